"""The figures of `python -m bench.size` as a table, and as a section of the documentation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.size_subject import Subject
from bench.tables import aligned, markdown

_METHOD = """
Medians in milliseconds of one request in process, from the WSGI application through row-level security to PostgreSQL
and back; the four are asked in turn, each with values of its own rows. `1,000` and `10,000` are the {name} of the
tenant that asks, alone in its database or among the {records} of all. Held to {target} are *size*, a tenant of 10,000
among all against a thousand rows in all, and *others*, a tenant among all against the same one alone. The rows go in
through the triggers, the indexes are built afterwards, and VACUUM ANALYZE runs before.

Client and server share one core, as no two of them work at a time; on two, the scheduler decides how long a short
request takes.
"""


def sections_of(page: Path) -> str:
    """The sections of other measurements in a page that is written anew; empty where there are none."""
    _, heading, rest = (page.read_text() if page.exists() else "").partition("\n## ")
    return heading + rest


@dataclass(frozen=True)
class Compared:
    """The medians of one question: 1,000 alone, 1,000 among all, 10,000 alone, 10,000 among all."""

    name: str
    medians: Sequence[float]
    target: float
    held: bool = True

    @property
    def size(self) -> float:
        return self.medians[3] / self.medians[0]

    @property
    def others(self) -> float:
        return max(self.medians[1] / self.medians[0], self.medians[3] / self.medians[2])

    @property
    def reached(self) -> bool:
        return not self.held or max(self.size, self.others) <= self.target


@dataclass(frozen=True)
class Bounded:
    """How long a large tenant waits for what reads in proportion to its own records, and how long it may."""

    name: str
    median: float
    most: float

    @property
    def reached(self) -> bool:
        return self.median <= self.most


@dataclass(frozen=True)
class SizeReport:
    """One run."""

    subject: Subject
    machine: Mapping[str, str]
    records: int
    tenants: int
    compared: Sequence[Compared]
    bounded: Sequence[Bounded]

    @property
    def reached(self) -> bool:
        return all(entry.reached for entry in self.compared) and all(entry.reached for entry in self.bounded)

    def text(self) -> str:
        """The tables for a terminal."""
        tables = aligned(_HEADINGS, self._rows())
        if self.bounded:
            tables += ["", *aligned(_BOUNDED, self._bounded_rows())]
        return "\n".join(tables)

    def put_into(self, page: Path) -> None:
        """Replace the section of this measurement, or add it at the end of the page."""
        before, _, rest = page.read_text().partition(self.subject.heading)
        _, heading, after = rest.partition("\n## ")
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        of = f"{self.records:,} {self.subject.name} in {self.tenants} tenants"
        machine = self.machine
        lines = [
            self.subject.heading,
            "",
            f"Measured {now} by `make bench-size` on {machine['CPU']}, {machine['Memory']},",
            f"PostgreSQL {machine['PostgreSQL']}: {of}.",
            "",
            *markdown(_HEADINGS, self._rows()),
        ]
        if self.bounded:
            lines += ["", *markdown(_BOUNDED, self._bounded_rows())]
        method = _METHOD.format(name=self.subject.name, records=f"{self.records:,}", target=self.subject.target)
        text = f"{before.rstrip()}\n\n" + "\n".join(lines) + "\n" + method + self.subject.method
        page.write_text(text + heading + after)

    def _rows(self) -> list[tuple[str, ...]]:
        return [
            (
                entry.name,
                *(f"{median:.2f}" for median in entry.medians),
                f"{entry.size:.2f}",
                f"{entry.others:.2f}",
                ("reached" if entry.reached else "MISSED") if entry.held else "",
            )
            for entry in self.compared
        ]

    def _bounded_rows(self) -> list[tuple[str, ...]]:
        return [
            (entry.name, f"{entry.median:.0f}", f"{entry.most:.0f}", "reached" if entry.reached else "MISSED")
            for entry in self.bounded
        ]


_BOUNDED = ("question of the large tenant", "ms", "at most", "")
_HEADINGS = ("question", "1,000 alone", "1,000 among all", "10,000 alone", "10,000 among all", "size", "others", "")
