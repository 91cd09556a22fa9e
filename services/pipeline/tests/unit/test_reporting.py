"""The parameters of reports, and the days of zones."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import BadRequest
from pipeline.rules.reporting import Window, day_start, local_date, months_on, read

NAMES = ("pipeline_id", "from", "to", "assigned_to", "source", "customer_id")
TODAY = date(2026, 3, 15)
ZONES = ["UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "America/Havana", "Africa/Cairo", "Asia/Beirut"]


def window(query, today=TODAY, months=1):
    return read([tuple(pair.split("=")) for pair in query.split("&") if pair], NAMES).window(today, "UTC", months)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("form=2026-01-01", "unknown_parameter"),
        ("from[gt]=2026-01-01", "unknown_parameter"),
        ("as_of=2026-01-01", "unknown_parameter"),
        ("from=2026-01-01&from=2026-01-02", "repeated_parameter"),
        ("from=20260101", "invalid_value"),
        ("from=2026-W01-1", "invalid_value"),
        ("from=2026-02-30", "invalid_value"),
        ("from=0001-01-01", "invalid_value"),
        ("to=9999-12-31", "invalid_value"),
        ("from=", "invalid_value"),
        ("pipeline_id=0", "invalid_value"),
        ("pipeline_id=9223372036854775808", "invalid_value"),
        ("assigned_to=me", "invalid_value"),
        ("customer_id=-1", "invalid_value"),
        ("customer_id=٣", "invalid_value"),
        ("source=", "invalid_value"),
        (f"source={'x' * 101}", "invalid_value"),
        ("from=2026-03-02&to=2026-03-01", "from_after_to"),
        ("from=2026-04-01", "from_after_to"),
        ("from=2021-01-01&to=2026-01-01", "window_too_long"),
        ("from=2020-02-29&to=2025-03-01", "window_too_long"),
    ],
)
def test_what_is_wrong_is_named(query, code):
    with pytest.raises(BadRequest) as refused:
        window(query)
    assert refused.value.code == "invalid_query"
    assert [error.code for error in refused.value.errors] == [code]


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", date(2026, 3, 1), date(2026, 3, 31)),
        ("from=2026-01-01", date(2026, 1, 1), date(2026, 3, 31)),
        ("to=2026-02-10", date(2026, 2, 1), date(2026, 2, 10)),
        ("from=2026-03-15&to=2026-03-15", date(2026, 3, 15), date(2026, 3, 15)),
        ("from=2021-01-01&to=2025-12-31", date(2021, 1, 1), date(2025, 12, 31)),
    ],
)
def test_the_window_is_this_month_unless_asked(query, first, last):
    found = window(query)
    assert (found.first, found.last) == (first, last)


def test_a_window_of_twelve_months():
    found = window("", months=12)
    assert (found.first, found.last) == (date(2026, 3, 1), date(2027, 2, 28))
    assert found.months[0] == date(2026, 3, 1)
    assert found.months[-1] == date(2027, 2, 1)
    assert len(found.months) == 12
    assert months_on(date(2026, 12, 31), 1) == date(2027, 1, 1)


@given(st.dates(date(1971, 1, 1), date(2199, 1, 1)), st.sampled_from(ZONES))
def test_a_day_begins_with_the_first_instant_that_has_its_date(day, zone):
    start = day_start(day, zone)
    assert local_date(start, zone) == day
    assert local_date(start - timedelta(microseconds=1), zone) < day


@given(
    st.integers(10**8, 7 * 10**9).map(lambda second: datetime.fromtimestamp(second, UTC)),
    st.sampled_from(ZONES),
)
def test_every_instant_lies_in_the_window_of_its_day_alone(moment, zone):
    day = local_date(moment, zone)
    found = Window(day, day, zone)
    assert found.start <= moment < found.end


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 8), "America/New_York", 23),
        (date(2026, 11, 1), "America/New_York", 25),
        (date(2026, 3, 29), "Europe/Berlin", 23),
        # The clocks skip midnight here.
        (date(2025, 3, 30), "Asia/Beirut", 23),
        # They strike it twice here.
        (date(2025, 11, 2), "America/Havana", 25),
        (date(2026, 6, 1), "UTC", 24),
    ],
)
def test_days_on_which_clocks_change(day, zone, hours):
    found = Window(day, day, zone)
    assert found.end - found.start == timedelta(hours=hours)
    assert found.start.astimezone(ZoneInfo(zone)).date() == day
