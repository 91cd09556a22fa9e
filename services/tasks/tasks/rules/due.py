"""When a task is due, and what that is called now: overdue, today, tomorrow, this week, later. Pure, no I/O.

`due_date` is the instant from which a task is overdue, whether it has a time or a day alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from chassis.errors import FieldError, Invalid
from tasks.rules.zones import first_instant, local_time, zone_of

OVERDUE, TODAY, TOMORROW, WEEK, LATER, NONE = "overdue", "today", "tomorrow", "week", "later", "none"
BUCKETS: Final = (OVERDUE, TODAY, TOMORROW, WEEK, LATER, NONE)
# The bounds of each bucket that has any, by their names in `Bounds`: it begins after or at the one and ends before the
# other. An all-day task is due at the end of its day, so the bound itself is still of the bucket before it.
RANGES: Final = {
    OVERDUE: (None, "now"),
    TODAY: ("now", "tomorrow"),
    TOMORROW: ("tomorrow", "day_after"),
    WEEK: ("day_after", "next_week"),
    LATER: ("next_week", None),
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """The instants between the buckets, as they are for somebody in a zone at a moment."""

    now: datetime
    tomorrow: datetime
    day_after: datetime
    next_week: datetime


def all_day_due(due_on: date, zone: ZoneInfo) -> datetime:
    """When an all-day task becomes overdue: not while its day lasts in its zone."""
    return first_instant(due_on + timedelta(days=1), zone)


def bounds_at(now: datetime, zone: ZoneInfo) -> Bounds:
    """Where today, tomorrow and the week end in the zone; the week ends on Sunday night."""
    today = local_time(now, zone).date()
    day_after = first_instant(today + timedelta(days=2), zone)
    monday = first_instant(today + timedelta(days=7 - today.weekday()), zone)
    return Bounds(
        now=now,
        tomorrow=first_instant(today + timedelta(days=1), zone),
        day_after=day_after,
        next_week=max(monday, day_after),
    )


def bucket_of(due_date: datetime | None, bounds: Bounds, *, all_day: bool) -> str:
    """The one bucket of an open task."""
    if due_date is None:
        return NONE
    if due_date <= bounds.now:
        return OVERDUE
    for bucket in (TODAY, TOMORROW, WEEK):
        end = getattr(bounds, RANGES[bucket][1] or "")
        if due_date < end or (all_day and due_date == end):
            return bucket
    return LATER


@dataclass(frozen=True, slots=True)
class Due:
    """When a task is due: a day in a zone, or an instant with the zone that its wall clock is read in."""

    due_date: datetime | None = None
    due_on: date | None = None
    due_time_zone: str | None = None

    @property
    def values(self) -> dict[str, Any]:
        """As the columns of a task; all three are empty together, but for the day."""
        return {"due_date": self.due_date, "due_on": self.due_on, "due_time_zone": self.due_time_zone}


def given_due(values: Mapping[str, Any], present: Due, default_zone: str) -> Due | None:
    """What a body makes of a task's due date; None where it says nothing of it.

    The zone is the one given, else the task's own, else `default_zone`: once written it is kept. Raises Invalid for two
    due dates, and for a zone of none.
    """
    named = {name: values[name] for name in ("due_date", "due_on") if name in values}
    if not named and "due_time_zone" not in values:
        return None
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) > 1:
        detail = "A task is due on a day (due_on) or at a time (due_date), not both."
        raise Invalid("due_twice", detail, tuple(FieldError(f"/{name}", "due_twice", detail) for name in given))
    due_on = given.get("due_on", None if named else present.due_on)
    due_date = given.get("due_date", None if named else present.due_date)
    if due_on is None and due_date is None:
        if values.get("due_time_zone") is not None:
            detail = "A time zone is of a due date; give one."
            raise Invalid("validation_failed", detail, (FieldError("/due_time_zone", "invalid", detail),))
        return Due()
    name = values.get("due_time_zone") or present.due_time_zone or default_zone
    zone = zone_of(name, "/due_time_zone")
    return Due(due_date if due_on is None else all_day_due(due_on, zone), due_on, name)
