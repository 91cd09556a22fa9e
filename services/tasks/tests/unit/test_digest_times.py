"""When a digest is due, by the wall clock."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from tasks.rules.digests import due_dates, too_late
from tasks.rules.zones import zone_of


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "at", "instant"),
    [
        ("Europe/Berlin", "2026-01-05", "08:00", "2026-01-05T07:00"),
        ("Europe/Berlin", "2026-03-29", "02:30", "2026-03-29T01:30"),
        ("Europe/Berlin", "2026-10-25", "02:30", "2026-10-25T00:30"),
        ("America/Santiago", "2026-09-06", "00:00", "2026-09-06T04:00"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),
        ("Asia/Kolkata", "2026-03-05", "23:30", "2026-03-05T18:00"),
        ("Pacific/Apia", "2026-03-05", "07:00", "2026-03-04T18:00"),
    ],
)
def test_a_digest_is_due_from_its_instant_for_three_hours(zone, day, at, instant):
    zone, day, at, instant = zone_of(zone), date.fromisoformat(day), time.fromisoformat(at), utc(instant)
    second = timedelta(seconds=1)
    assert (day, instant) not in due_dates(instant - second, zone, at)
    for now in (instant, instant + timedelta(hours=3)):
        assert (day, instant) in due_dates(now, zone, at)
        assert not too_late(instant, now)
    assert (day, instant) not in due_dates(instant + timedelta(hours=3) + second, zone, at)
    assert too_late(instant, instant + timedelta(hours=3) + second)


def test_a_day_is_due_once_where_the_clock_goes_back():
    zone, seen = zone_of("Europe/Berlin"), set()
    for minute in range(0, 48 * 60, 10):
        seen.update(due_dates(utc("2026-10-24T00:00") + timedelta(minutes=minute), zone, time(2, 30)))
    assert seen == {(date(2026, 10, 24), utc("2026-10-24T00:30")), (date(2026, 10, 25), utc("2026-10-25T00:30"))}
