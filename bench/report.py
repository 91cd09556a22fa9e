"""The figures as a table for people, as JSON for machines, and as a page of the documentation."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from bench import event_flow, wrk
from bench.event_flow import EventFlow
from bench.pipeline_work import Duration
from bench.speed import Speed
from bench.tables import aligned, markdown

_METHOD = f"""
How it is measured: a stack of its own, durable (fsync), with relay and consumers at work; 100 tenants with
{{customers}} customers, as many deals, half as many tasks, and three activities to a task; wrk with {wrk.CONNECTIONS}
connections that rotates the tokens of all tenants. Ours goes through the gateway, with token, tenancy and row-level
security. The floor is one WSGI function under the same gunicorn
settings, asked directly: no gateway, no token, a role that row-level security does not concern, one prepared statement
(for create one transaction with the row and its outbox row, in a copy of the outbox table that no relay publishes; for
a move with the rows of its history as well). Rounds alternate, ours, floor, ours, floor; the figures are medians, the
ratio is the median of the pairs' ratios. The events of a change cost us while we are measured, and are let through to
the audit log before the floor is. The latency of an event is from the commit of the change to the audit row being
visible to another connection.
"""


@dataclass(frozen=True)
class Report:
    """One run of the benchmark."""

    machine: Mapping[str, str]
    customers: int
    quick: bool
    speeds: Sequence[Speed]
    events: EventFlow
    durations: Sequence[Duration]

    @property
    def reached(self) -> bool:
        figures: list[Speed | EventFlow | Duration] = [*self.speeds, self.events, *self.durations]
        return all(figure.reached for figure in figures)

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return asdict(self) | {"reached": self.reached, "measured_at": _now()}

    def text(self) -> str:
        """The tables for a terminal."""
        events = [
            f"{name:<42}{figure:>12}{target:>12}  {verdict}" for name, figure, target, verdict in self._event_rows()
        ]
        return "\n".join([*aligned(_HEADINGS, self._speed_rows()), "", *events])

    def page(self) -> str:
        """The page `docs/benchmarks.md`."""
        lines = [
            "# Benchmarks",
            "",
            f"Measured {_now()} by `make bench`{' in its short form' if self.quick else ''}.",
            "",
        ]
        lines += ["| Machine | |", "|---|---|", *(f"| {name} | {value} |" for name, value in self.machine.items()), ""]
        lines += markdown(_HEADINGS, self._speed_rows())
        lines += ["", "| Work of several steps | measured | target | |", "|---|--:|--:|---|"]
        lines += [f"| {' | '.join(row)} |" for row in self._event_rows()]
        return "\n".join(lines) + "\n" + _METHOD.format(customers=f"{self.customers:,}")

    def _speed_rows(self) -> list[tuple[str, ...]]:
        return [
            (
                speed.name,
                f"{speed.ours.rate:,.0f}",
                f"{speed.ours.p50:.1f}",
                f"{speed.ours.p99:.1f}",
                f"{speed.floor.rate:,.0f}",
                f"{speed.floor.p50:.1f}",
                f"{speed.floor.p99:.1f}",
                f"{speed.ratio:.2f}",
                f"{speed.target:.2f}",
                ", ".join((_verdict(speed.reached), *_failures(speed))),
            )
            for speed in self.speeds
        ]

    def _event_rows(self) -> list[tuple[str, str, str, str]]:
        events = self.events
        return [
            (
                f"outbox to audit row, {events.events:,} events",
                f"{events.rate:,.0f}/s",
                f"{event_flow.RATE_TARGET:,.0f}/s",
                _verdict(events.rate >= event_flow.RATE_TARGET),
            ),
            (
                f"commit to audit row at {event_flow.PER_SECOND}/s, p50",
                f"{events.p50:.0f} ms",
                f"{event_flow.P50_TARGET:.0f} ms",
                _verdict(events.p50 <= event_flow.P50_TARGET),
            ),
            (
                f"commit to audit row at {event_flow.PER_SECOND}/s, p99",
                f"{events.p99:.0f} ms",
                f"{event_flow.P99_TARGET:.0f} ms",
                _verdict(events.p99 <= event_flow.P99_TARGET),
            ),
            *(
                (
                    took.name,
                    f"{took.measured:,.0f} ms",
                    f"{took.target:,.0f} ms",
                    _verdict(took.reached) + (f", {took.refused} refused" if took.refused else ""),
                )
                for took in self.durations
            ),
        ]


_HEADINGS = ("question", "ours/s", "p50 ms", "p99 ms", "floor/s", "p50 ms", "p99 ms", "ratio", "target", "")


def _failures(speed: Speed) -> Iterator[str]:
    """Whose requests failed, and of what: "2 of ours failed (2 status)"."""
    for whose, side in (("ours", speed.ours), ("the floor's", speed.floor)):
        if side.failed:
            kinds = ", ".join(f"{count} {kind}" for kind, count in side.failures.items() if count)
            yield f"{side.failed} of {whose} failed ({kinds})"


def _verdict(reached: bool) -> str:
    return "reached" if reached else "MISSED"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
