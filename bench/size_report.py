"""The figures of `python -m bench.size` as a table, and as a section of the documentation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.tables import aligned, markdown

TARGET = 1.5
# Written by hand, before the section of this measurement.
IMPORTS = "## Imports"
BEGIN = "## A million customers"
_METHOD = """
Medians in milliseconds of one request in process, from the WSGI application through row-level security to PostgreSQL
and back; the four are asked in turn, each with values of its own rows. `1,000` and `10,000` are the customers of the
tenant that asks, alone in its database or among the {customers} of all. Held to {target} are *size*, a tenant of 10,000
among all against a thousand rows in all, and *others*, a tenant among all against the same one alone. Facets and tags
count all of a tenant's customers and are only reported. The rows go in through the triggers, the indexes are built
afterwards, and VACUUM ANALYZE runs before.

Client and server share one core, as no two of them work at a time; on two, the scheduler decides how long a short
request takes.

What grows with the company does so for a reason that is known. `contains` looks through the list in its order where
the next 200 promise a full page within 1,500, which costs the same in any company; where fewer have the part, it reads
and sorts those that the search's index names, in a company ten times as large ten times as many, whoever else there
is. A page of a part that a fifth have in some field, and few or none in the one that is asked for, is looked for in the
list until it is full; so is one of a field that is not searched, such as `city`, as no index serves a part of a text
below row-level security ([ADR 0015](adr/0015-search-below-row-level-security.md) has the exceptions). A list of one's
own that is not sorted by its creation sorts all that are one's own, by what their index holds. A search reads keys that
are of a tenant and three characters together, so the customers of others cost it nothing; what it ranks is bounded
(200).
"""


def sections_of(page: Path) -> str:
    """The sections of other measurements in a page that is written anew; empty where there are none."""
    text = page.read_text() if page.exists() else ""
    begin = min((place for heading in (IMPORTS, BEGIN) if (place := text.find(heading)) >= 0), default=len(text))
    return f"\n{text[begin:]}" if text[begin:] else ""


@dataclass(frozen=True)
class Compared:
    """The medians of one question: 1,000 alone, 1,000 among all, 10,000 alone, 10,000 among all."""

    name: str
    medians: Sequence[float]
    held: bool = True

    @property
    def size(self) -> float:
        return self.medians[3] / self.medians[0]

    @property
    def others(self) -> float:
        return max(self.medians[1] / self.medians[0], self.medians[3] / self.medians[2])

    @property
    def reached(self) -> bool:
        return not self.held or max(self.size, self.others) <= TARGET


@dataclass(frozen=True)
class SizeReport:
    """One run."""

    machine: Mapping[str, str]
    customers: int
    tenants: int
    compared: Sequence[Compared]

    @property
    def reached(self) -> bool:
        return all(entry.reached for entry in self.compared)

    def text(self) -> str:
        """The table for a terminal."""
        return "\n".join(aligned(_HEADINGS, self._rows()))

    def put_into(self, page: Path) -> None:
        """Replace the section of this measurement, the last of the page, or add it."""
        before = page.read_text().partition(BEGIN)[0].rstrip()
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        lines = [BEGIN, "", f"Measured {now} by `make bench-size` on {self.machine['CPU']}, {self.machine['Memory']},"]
        lines += [
            f"PostgreSQL {self.machine['PostgreSQL']}: {self.customers:,} customers in {self.tenants + 1} tenants."
        ]
        lines += ["", *markdown(_HEADINGS, self._rows())]
        method = _METHOD.format(customers=f"{self.customers:,}", target=TARGET)
        page.write_text(f"{before}\n\n" + "\n".join(lines) + "\n" + method)

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


_HEADINGS = ("question", "1,000 alone", "1,000 among all", "10,000 alone", "10,000 among all", "size", "others", "")
