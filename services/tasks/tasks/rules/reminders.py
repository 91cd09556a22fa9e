"""When a reminder fires, and whether it still does. Pure, no I/O."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.rules.zones import instant_of, local_time

WAITING, FIRED, SKIPPED = "waiting", "fired", "skipped"
DAY_STARTS_AT = time(9)
# What could not be served for longer is left to the digest.
LATEST = timedelta(hours=24)
# After so many minutes a reminder that failed is tried again, and then no more.
RETRY_MINUTES = (1, 5, 30)


def fire_at_all_day(
    due_on: date,
    zone: ZoneInfo,
    *,
    days_before: int = 0,
    minutes_before: int = 0,
    at_time: time | None = None,
    day_starts_at: time = DAY_STARTS_AT,
) -> datetime:
    """When to remind of an all-day task: some days before, on the wall clock of its zone."""
    local = datetime.combine(due_on - timedelta(days=days_before), at_time or day_starts_at)
    return instant_of(local, zone) - timedelta(minutes=minutes_before)


def fire_at_timed(
    due_date: datetime,
    zone: ZoneInfo,
    *,
    days_before: int = 0,
    minutes_before: int = 0,
    at_time: time | None = None,
) -> datetime:
    """When to remind of a task with a time: so many minutes of elapsed time before.

    Days are those of the wall clock, at the same time of day or at `at_time`.
    """
    if days_before or at_time:
        local = local_time(due_date, zone) - timedelta(days=days_before)
        due_date = instant_of(datetime.combine(local.date(), at_time or local.time()), zone)
    return due_date - timedelta(minutes=minutes_before)


def state_when_computed(
    fire_at: datetime | None, *, now: datetime, due_date: datetime | None, fired_for: datetime | None
) -> str:
    """What becomes of a reminder whose instant was computed at `now`.

    The one that it was served for is never served again. One that is past already is served at once while the task is
    still to come, because a meeting that was moved to earlier must not lose its reminder; where the task is past as
    well, nobody is reminded.
    """
    if fire_at is None:
        return SKIPPED
    if fire_at == fired_for:
        return FIRED
    if fire_at > now or (due_date is not None and due_date > now):
        return WAITING
    return SKIPPED


def too_late(fire_at: datetime, computed_at: datetime, now: datetime) -> bool:
    """Whether a reminder comes so late that it is none any more; one that was past when computed was due then."""
    return now - max(fire_at, computed_at) > LATEST


def retry_at(now: datetime, attempts: int) -> datetime | None:
    """When a reminder that has failed `attempts` times is tried again; None for no more."""
    if attempts > len(RETRY_MINUTES):
        return None
    return now + timedelta(minutes=RETRY_MINUTES[attempts - 1])
