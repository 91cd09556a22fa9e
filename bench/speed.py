"""Requests per second and latencies, ours and the floor's in turn: A B A B, and of each the median."""

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench import wrk
from bench.questions import Question
from bench.system import System


@dataclass(frozen=True)
class Speed:
    """What a question costs. `ratio` is the median of the pairs' ratios: a pair shares the machine's mood."""

    name: str
    ours: wrk.Round
    floor: wrk.Round
    ratio: float
    target: float

    @property
    def reached(self) -> bool:
        return self.ratio >= self.target and not self.ours.failed and not self.floor.failed


def measure(system: System, question: Question, *, rounds: int, seconds: int) -> Speed:
    """Ask through the gateway and at the floor. Relay and consumers run all the time, as in production.

    Between the rounds the events of the creates are let through to the audit log: they cost us, not the floor.
    """
    ours, floor = [], []
    for number in range(rounds + 1):
        mine = wrk.run(system.stack.gateway_url, question.ours, seconds if number else 2)
        system.drain(question.service)
        bare = wrk.run(system.floor_urls[question.service], question.floor, seconds if number else 2)
        if number:  # The first pair warms caches and prepares statements.
            ours.append(mine)
            floor.append(bare)
    ratio = statistics.median(mine.rate / bare.rate for mine, bare in zip(ours, floor, strict=True))
    return Speed(question.name, _median(ours), _median(floor), ratio, question.target)


def _median(rounds: Sequence[wrk.Round]) -> wrk.Round:
    return wrk.Round(
        rate=statistics.median(entry.rate for entry in rounds),
        p50=statistics.median(entry.p50 for entry in rounds),
        p99=statistics.median(entry.p99 for entry in rounds),
        failures=dict(sum((Counter(entry.failures) for entry in rounds), Counter[str]())),
    )
