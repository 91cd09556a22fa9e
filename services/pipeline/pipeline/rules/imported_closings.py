"""When a deal of a file closed, as far as the file says it. Pure, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pipeline.rules.reporting import day_start, local_date

_LENGTH_OF_DAY = len("2026-05-31")


@dataclass(frozen=True, slots=True)
class Closing:
    """When a deal was created and when it closed; what is wrong with that, and what had to be supposed."""

    created_at: datetime
    closed_at: datetime
    fault: str | None = None
    remark: str | None = None


def closing_of(values: Mapping[str, Any], zone: str, now: datetime) -> Closing:
    """The closing of a row: its moment or its day; else the day that it was to close on, where that is over."""
    said, expected = values.get("closed_at"), values.get("expected_close_date")
    given = values.get("created_at")
    created = None if given is None else datetime.fromisoformat(given)
    today = local_date(now, zone)
    if said is None and (expected is None or date.fromisoformat(expected) > today):
        remark = "The row does not say when the deal closed" if expected is None else "The close date lies ahead"
        return Closing(created or now, now, remark=f"{remark}: it closes now.")
    text = said if said is not None else str(expected)
    at = _moment(text, zone, created, now)
    if created is None or created <= at:
        return Closing(created or at, at)
    if said is None:
        # Who writes down in March what was won in January has created it later than it closed.
        return Closing(at, at, remark="The record was created after the deal closed: it begins with that.")
    return Closing(created, at, "A record does not close before it is created.")


def _moment(text: str, zone: str, created: datetime | None, now: datetime) -> datetime:
    """The moment of a text; of a day its beginning, or as soon after it as the deal was there."""
    if len(text) > _LENGTH_OF_DAY:
        return datetime.fromisoformat(text)
    day = date.fromisoformat(text)
    at = day_start(day, zone)
    if created is not None and created > at and local_date(created, zone) == day:
        at = created
    return min(at, now)
