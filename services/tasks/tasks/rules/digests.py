"""When a digest is due, by somebody's wall clock. Pure, no I/O."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.rules.zones import instant_of, local_time

# What could not be sent for longer is not sent that day.
LATEST = timedelta(hours=3)
MOST_LISTED = 25


def due_dates(now: datetime, zone: ZoneInfo, digest_at: time) -> list[tuple[date, datetime]]:
    """The local days whose digest at that time of day is due now and not too late, each with its instant."""
    today = local_time(now, zone).date()
    # A digest of late in the evening may still go out after midnight.
    days = (today - timedelta(days=1), today)
    found = ((day, instant_of(datetime.combine(day, digest_at), zone)) for day in days)
    return [(day, instant) for day, instant in found if instant <= now and not too_late(instant, now)]


def too_late(due_at: datetime, now: datetime) -> bool:
    """Whether a digest comes so late that it is none any more."""
    return now - due_at > LATEST
