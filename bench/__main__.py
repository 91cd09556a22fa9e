"""`python -m bench`: measure, print the figures, and exit with 1 when a target is missed."""

import argparse
import sys
import time
from pathlib import Path

import orjson

from bench import (
    data,
    deal_questions,
    event_flow,
    machine,
    pipeline_work,
    questions,
    size_report,
    speed,
    system,
    task_questions,
)
from bench.report import Report


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a tenth of the data and short rounds, to see that it works"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here as JSON")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of the documentation here")
    options = parser.parse_args()
    report = _measure(quick=options.quick)
    print(report.text())
    if options.json:
        options.json.write_bytes(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2) + b"\n")
    if options.write:
        options.write.write_text(report.page() + size_report.sections_of(options.write))
    sys.exit(0 if report.reached else 1)


def _measure(*, quick: bool) -> Report:
    customers = data.CUSTOMERS // 10 if quick else data.CUSTOMERS
    rounds, seconds = (2, 3) if quick else (5, 6)
    began = time.monotonic()

    def say(step: str) -> None:
        print(f"[{time.monotonic() - began:4.0f} s] {step}", file=sys.stderr, flush=True)

    say("starting a stack")
    with system.running() as running:
        say(f"loading {data.TENANTS} tenants and {customers:,} customers")
        data.load(running.url("customers"), customers=customers)
        speeds = []
        deals = deal_questions.DEALS // 10 if quick else deal_questions.DEALS
        deal_questions.load(running.url("pipeline"), deals=deals, say=say)
        task_questions.load(
            running.url("tasks"), tasks=task_questions.TASKS // 10 if quick else task_questions.TASKS, say=say
        )
        asked = questions.write(running.stack.home, running.url("customers"), running.sign)
        asked += deal_questions.write(running.stack.home, running.url("pipeline"), running.sign)
        asked += task_questions.write(running.stack.home, running.sign)
        for question in asked:
            say(f"{question.name}: {rounds} rounds of {seconds} s, ours and the floor in turn")
            speeds.append(speed.measure(running, question, rounds=rounds, seconds=seconds))
        events, latency_seconds = (5_000, 5) if quick else (20_000, 20)
        say(f"events: {events:,} at once, then {event_flow.PER_SECOND}/s for {latency_seconds} s")
        flow = event_flow.measure(running, events=events, seconds=latency_seconds)
        say(f"conversions, {pipeline_work.PER_SECOND}/s for {latency_seconds} s, and a move of many deals")
        durations = pipeline_work.measure(running, seconds=latency_seconds)
        facts = machine.describe(running.url("customers"))
        say("stopping")
    return Report(facts, customers, quick, speeds, flow, durations)


if __name__ == "__main__":
    main()
