"""When tasks are due, in zones whose clocks change: every example of the rules, with the clock set by the test."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from tasks.rules.due import BUCKETS, LATER, OVERDUE, TODAY, TOMORROW, WEEK, all_day_due, bounds_at, bucket_of
from tasks.rules.zones import first_instant, instant_of, local_time, zone_names, zone_of

ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",
    "Pacific/Auckland",
    "Asia/Kolkata",
    "Pacific/Apia",
    "America/Havana",
    "America/Toronto",
    "Africa/Cairo",
    "Australia/Lord_Howe",
    "UTC",
)
MOMENTS = st.datetimes(datetime.fromisoformat("1905-01-01"), datetime.fromisoformat("2090-01-01")).map(
    lambda moment: moment.replace(tzinfo=UTC)
)


def utc(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("due_on", "zone", "due_date"),
    [
        ("2026-03-29", "Europe/Berlin", "2026-03-29T22:00:00Z"),  # 23 hours
        ("2026-11-01", "America/New_York", "2026-11-02T05:00:00Z"),  # 25 hours
        ("2026-09-05", "America/Santiago", "2026-09-06T04:00:00Z"),  # Midnight of the 6th does not exist.
        ("2026-03-05", "Pacific/Auckland", "2026-03-05T11:00:00Z"),
        ("2026-03-05", "Asia/Kolkata", "2026-03-05T18:30:00Z"),
        ("2011-12-29", "Pacific/Apia", "2011-12-30T10:00:00Z"),  # The 30th was left out.
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("2011-12-31", "Pacific/Apia", "2011-12-31T10:00:00Z"),
        ("1919-03-30", "America/Toronto", "1919-03-31T04:30:00Z"),  # From half past eleven to half past twelve.
    ],
)
def test_an_all_day_task_is_overdue_from_the_first_instant_of_the_next_day(due_on, zone, due_date):
    assert all_day_due(date.fromisoformat(due_on), zone_of(zone)) == utc(due_date)


def test_the_first_instant_after_a_skipped_midnight_is_the_first_that_exists():
    zone = zone_of("America/Santiago")
    assert local_time(first_instant(date(2026, 9, 6), zone), zone) == datetime.fromisoformat("2026-09-06T01:00")


@pytest.mark.parametrize(
    ("local", "zone", "instant"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30:00Z"),  # Does not exist: 03:30 there.
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"),  # The first of two.
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30:00Z"),
        ("2026-04-05T02:30", "Pacific/Auckland", "2026-04-04T13:30:00Z"),
    ],
)
def test_a_wall_time_that_occurs_twice_or_never_is_read_as_rfc_5545_says(local, zone, instant):
    assert instant_of(datetime.fromisoformat(local), zone_of(zone)) == utc(instant)


NEW_YORK = zone_of("America/New_York")
EVENING = utc("2026-03-06T02:00:00Z")  # 21:00 on the 5th in New York.


@pytest.mark.parametrize(
    ("due_date", "all_day", "bucket"),
    [
        (all_day_due(date(2026, 3, 5), NEW_YORK), True, TODAY),
        (utc("2026-03-06T04:30:00Z"), False, TODAY),
        (utc("2026-03-06T05:00:00Z"), False, TOMORROW),  # Midnight sharp.
        (all_day_due(date(2026, 3, 5), zone_of("Pacific/Auckland")), True, OVERDUE),
        (all_day_due(date(2026, 3, 6), NEW_YORK), True, TOMORROW),
        (EVENING, False, OVERDUE),
        (EVENING + timedelta(microseconds=1), False, TODAY),
        (all_day_due(date(2026, 3, 8), NEW_YORK), True, WEEK),  # Sunday, whose clocks change.
        (all_day_due(date(2026, 3, 9), NEW_YORK), True, LATER),
        (None, False, "none"),
    ],
)
def test_a_task_is_in_the_bucket_that_somebody_in_new_york_expects(due_date, all_day, bucket):
    assert bucket_of(due_date, bounds_at(EVENING, NEW_YORK), all_day=all_day) == bucket


def test_on_a_sunday_tomorrow_is_not_in_this_week_and_the_week_is_empty():
    bounds = bounds_at(utc("2026-03-08T15:00:00Z"), zone_of("UTC"))
    assert bounds.next_week == bounds.day_after
    assert bucket_of(utc("2026-03-09T15:00:00Z"), bounds, all_day=False) == TOMORROW
    assert bucket_of(utc("2026-03-10T00:00:00Z"), bounds, all_day=False) == LATER


@given(now=MOMENTS, zone=st.sampled_from(ZONES))
def test_bounds_are_in_order_wherever_and_whenever(now, zone):
    bounds = bounds_at(now, zone_of(zone))
    assert bounds.now < bounds.tomorrow <= bounds.day_after <= bounds.next_week


@given(now=MOMENTS, zone=st.sampled_from(ZONES), days=st.integers(-3, 10), all_day=st.booleans())
def test_every_due_date_is_in_one_bucket_and_later_ones_are_in_no_earlier_one(now, zone, days, all_day):
    bounds = bounds_at(now, zone_of(zone))
    places = [
        BUCKETS.index(bucket_of(now + timedelta(days=days, hours=hours), bounds, all_day=all_day))
        for hours in range(0, 72, 6)
    ]
    assert places == sorted(places)


@given(day=st.dates(date(1905, 1, 1), date(2090, 1, 1)), zone=st.sampled_from(ZONES))
def test_no_instant_of_a_day_lies_before_its_first_one(day, zone):
    first = first_instant(day, zone_of(zone))
    assert local_time(first, zone_of(zone)).date() >= day
    assert local_time(first - timedelta(seconds=1), zone_of(zone)).date() < day


@pytest.mark.parametrize("name", ["Berlin", "europe/berlin", "", "../etc/passwd", "Factory", "localtime", "UTC+1"])
def test_what_is_no_zone_is_refused(name):
    with pytest.raises(Invalid) as caught:
        zone_of(name)
    assert caught.value.code == "unknown_time_zone"


def test_every_zone_of_the_pinned_data_can_be_read():
    for name in zone_names():
        assert zone_of(name).key == name
