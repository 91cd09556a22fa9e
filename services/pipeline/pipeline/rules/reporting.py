"""What a report is asked for, and the days that it looks at. Pure, no I/O."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from chassis.errors import BadRequest, FieldError

LONGEST_YEARS = 5
WINDOW = ("from", "to")
EARLIEST, LATEST = date(1970, 1, 1), date(2199, 12, 31)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_ID = re.compile(r"[1-9][0-9]{0,18}\Z")
_LARGEST_ID = 2**63 - 1
_LONGEST_SOURCE = 100
_DECEMBER = 12


def local_date(instant: datetime, zone: str) -> date:
    """The day that an instant lies in where the company is."""
    return instant.astimezone(ZoneInfo(zone)).date()


def day_start(day: date, zone: str) -> datetime:
    """The first instant of a day of the zone, in UTC.

    Where the clocks skip midnight, the day begins with the hour that follows; where they strike it twice, with the
    first of the two (PEP 495: fold 0 means the offset before the change).
    """
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def month_start(day: date) -> date:
    """The first day of the month."""
    return day.replace(day=1)


def months_on(day: date, months: int) -> date:
    """The first day of the month that is so many months after the day's."""
    years, month = divmod(day.month - 1 + months, _DECEMBER)
    return date(day.year + years, month + 1, 1)


@dataclass(frozen=True, slots=True)
class Window:
    """The days from `first` to `last`, both of them included, in the company's zone."""

    first: date
    last: date
    zone: str

    @property
    def start(self) -> datetime:
        """The first instant."""
        return day_start(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant that is not inside any more."""
        return day_start(self.last + timedelta(days=1), self.zone)

    @property
    def months(self) -> list[date]:
        """The first day of each month that the window touches."""
        count = (self.last.year - self.first.year) * _DECEMBER + self.last.month - self.first.month
        return [months_on(self.first, offset) for offset in range(count + 1)]


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a report as they were given, read: None for those that were not."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name)

    def window(self, today: date, zone: str, months: int = 1) -> Window:
        """The window asked for; without it, this month and as many as make `months`. Raises BadRequest."""
        first = self["from"] or month_start(min(today, self["to"] or today))
        last = self["to"] or months_on(today, months) - timedelta(days=1)
        if first > last:
            raise refuse("from", "from_after_to", f"The window begins on {first} and ends on {last}.")
        if last >= _years_on(first, LONGEST_YEARS):
            raise refuse("to", "window_too_long", f"A window is of at most {LONGEST_YEARS} years.")
        return Window(first, last, zone)


def read(pairs: Sequence[tuple[str, str]], allowed: Sequence[str]) -> Asked:
    """The parameters of a report that takes those `allowed`. Raises BadRequest that names what is wrong."""
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name not in allowed:
            detail = f"There is no parameter {name[:60]!r}; allowed: {', '.join(allowed)}."
            raise refuse(name, "unknown_parameter", detail)
        if name in values:
            raise refuse(name, "repeated_parameter", f"{name} can be given once.")
        values[name] = _READERS[name](name, text)
    return Asked(values)


def refuse(parameter: str, code: str, detail: str) -> BadRequest:
    """The error of a parameter."""
    return BadRequest("invalid_query", detail, (FieldError(parameter[:100], code, detail),))


def _years_on(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # The 29th of February.
        return date(day.year + years, 3, 1)


def parse_day(text: str) -> date:
    """A day written as 2026-03-31. Raises ValueError: Python alone would also read 20260331 and 2026-W14-2."""
    if not _DATE.match(text) or not EARLIEST <= (day := date.fromisoformat(text)) <= LATEST:
        raise ValueError(f"a day from {EARLIEST} to {LATEST} is wanted, such as 2026-03-31")
    return day


def _date(name: str, text: str) -> date:
    try:
        return parse_day(text)
    except ValueError:
        detail = f"{name} is a day from {EARLIEST} to {LATEST}, such as 2026-03-31."
        raise refuse(name, "invalid_value", detail) from None


def _id(name: str, text: str) -> int:
    if not _ID.match(text) or int(text) > _LARGEST_ID:
        raise refuse(name, "invalid_value", f"{name} is the id of a record.")
    return int(text)


def _source(name: str, text: str) -> str:
    if not text or len(text) > _LONGEST_SOURCE or "\x00" in text:
        raise refuse(name, "invalid_value", f"{name} has 1 to {_LONGEST_SOURCE} characters, of which none is NUL.")
    return text


_READERS = {
    "from": _date,
    "to": _date,
    "as_of": _date,
    "pipeline_id": _id,
    "assigned_to": _id,
    "customer_id": _id,
    "source": _source,
}
