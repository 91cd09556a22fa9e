"""Recurrence: every example of the rules, a closed grammar, and properties that hold for every rule."""

import time as clock
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chassis.errors import Invalid
from tasks.rules.recurrence import (
    COMPLETION,
    LAST,
    SCHEDULE,
    SKIP,
    Series,
    next_occurrence,
    occurrences,
    read_occurrence,
    read_series,
)
from tasks.rules.recurrence_grammar import parse_rule
from tasks.rules.zones import zone_of

BERLIN, UTC_ZONE = zone_of("Europe/Berlin"), zone_of("UTC")
AT_NINE = "2026-03-23T09:00"


def series(rule, anchor, *, zone=BERLIN, missing_day=LAST, basis=SCHEDULE):
    return read_series(
        rule, read_occurrence(anchor), zone, all_day="T" not in anchor, missing_day=missing_day, basis=basis
    )


def firsts(count, *given, **options):
    found = series(*given, **options)
    return [found.text(occurrence) for occurrence in islice(occurrences(found), count)]


def dues(count, *given, **options):
    found = series(*given, **options)
    return [f"{found.due_date(occurrence):%m-%d %H:%MZ}" for occurrence in islice(occurrences(found), count)]


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def after(found, present, now, closed_at=None, made=1):
    occurrence = next_occurrence(
        found, read_occurrence(present), now=utc(now), closed_at=utc(closed_at or now), made=made
    )
    return occurrence and found.text(occurrence)


@pytest.mark.parametrize(
    ("rule", "anchor", "due"),
    [
        ("FREQ=WEEKLY;BYDAY=MO", "2026-03-23T09:00", ["03-23 08:00Z", "03-30 07:00Z", "04-06 07:00Z"]),
        ("FREQ=DAILY", "2026-03-28T02:30", ["03-28 01:30Z", "03-29 01:30Z", "03-30 00:30Z"]),
        ("FREQ=DAILY", "2026-10-24T02:30", ["10-24 00:30Z", "10-25 00:30Z", "10-26 01:30Z"]),
    ],
)
def test_the_wall_time_stays_where_clocks_change(rule, anchor, due):
    assert dues(3, rule, anchor) == due


@pytest.mark.parametrize(
    ("rule", "anchor", "missing_day", "expected"),
    [
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31", LAST, ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-31", SKIP, ["2026-01-31", "2026-03-31", "2026-05-31"]),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
            "2028-02-29",
            LAST,
            ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"],
        ),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", "2028-02-29", SKIP, ["2028-02-29", "2032-02-29"]),
        ("FREQ=MONTHLY", "2026-01-30", LAST, ["2026-01-30", "2026-02-28", "2026-03-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=15,31", "2026-02-15", LAST, ["2026-02-15", "2026-02-28", "2026-03-15"]),
        ("FREQ=MONTHLY;BYMONTHDAY=30,31", "2026-01-31", LAST, ["2026-01-31", "2026-02-28", "2026-03-30"]),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "2026-01-31", SKIP, ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("FREQ=MONTHLY;BYDAY=5MO", "2026-03-30", LAST, ["2026-03-30", "2026-06-29", "2026-08-31"]),
        ("FREQ=MONTHLY;BYDAY=-1FR", "2026-03-27", LAST, ["2026-03-27", "2026-04-24", "2026-05-29"]),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            "2026-01-30",
            LAST,
            ["2026-01-30", "2026-02-27", "2026-03-31"],
        ),
        ("FREQ=YEARLY;BYMONTH=1,7;BYDAY=2TU", "2026-01-13", LAST, ["2026-01-13", "2026-07-14", "2027-01-12"]),
        ("FREQ=YEARLY", "2028-02-29", LAST, ["2028-02-29", "2029-02-28", "2030-02-28"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO", "2026-08-04", LAST, ["2026-08-04", "2026-08-09", "2026-08-18"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU", "2026-08-04", LAST, ["2026-08-04", "2026-08-16", "2026-08-18"]),
    ],
)
def test_days_that_months_lack_and_days_that_are_counted(rule, anchor, missing_day, expected):
    assert firsts(len(expected), rule, anchor, missing_day=missing_day) == expected


@pytest.mark.parametrize(
    ("rule", "anchor", "zone", "expected"),
    [
        ("FREQ=DAILY;UNTIL=20260105", "2026-01-03T09:00", "Europe/Berlin", 3),  # The whole of the 5th.
        ("FREQ=DAILY;UNTIL=20260105", "2026-01-03", "Europe/Berlin", 3),
        ("FREQ=DAILY;UNTIL=20260105T075959Z", "2026-01-03T09:00", "Europe/Berlin", 2),
        ("FREQ=DAILY;UNTIL=20260105T080000Z", "2026-01-03T09:00", "Europe/Berlin", 3),
        ("FREQ=DAILY;UNTIL=20260105T085959", "2026-01-03T09:00", "Europe/Berlin", 2),
        ("FREQ=DAILY;COUNT=4", "2026-01-03T09:00", "Europe/Berlin", 4),
        ("FREQ=MONTHLY;BYMONTHDAY=30,31;COUNT=3", "2026-01-30", "Europe/Berlin", 3),
    ],
)
def test_a_series_ends_where_its_rule_says(rule, anchor, zone, expected):
    assert len(list(occurrences(series(rule, anchor, zone=zone_of(zone))))) == expected


def test_missed_occurrences_are_passed_over_and_today_is_still_ahead():
    daily = series("FREQ=DAILY", "2026-03-01")
    assert after(daily, "2026-03-01", "2026-03-10T07:00") == "2026-03-10"  # 08:00 in Berlin.


def test_a_time_that_is_past_today_is_passed_over_too():
    weekly = series("FREQ=WEEKLY;BYDAY=MO", "2026-03-02T09:00")
    assert after(weekly, "2026-03-02T09:00:00", "2026-03-16T09:00") == "2026-03-23T09:00:00"


def test_an_occurrence_that_is_completed_early_is_followed_by_the_next_and_not_by_itself():
    daily = series("FREQ=DAILY", "2026-03-01")
    assert after(daily, "2026-03-20", "2026-03-10T07:00") == "2026-03-21"


def test_count_counts_what_was_missed():
    daily = series("FREQ=DAILY;COUNT=3", "2026-03-01")
    assert after(daily, "2026-03-01", "2026-03-02T07:00") == "2026-03-02"
    assert after(daily, "2026-03-01", "2026-03-10T07:00") is None


def test_by_completion_the_rule_runs_from_the_day_of_completion():
    watering = series("FREQ=DAILY;INTERVAL=3", "2026-03-01T18:00", basis=COMPLETION)
    assert after(watering, "2026-03-01T18:00:00", "2026-03-05T08:00") == "2026-03-08T18:00:00"
    monthly = series("FREQ=MONTHLY", "2026-01-31", basis=COMPLETION)
    assert after(monthly, "2026-01-31", "2026-02-10T08:00") == "2026-03-10"


def test_by_completion_the_next_is_later_than_the_present_one_however_early_that_was_done():
    daily = series("FREQ=DAILY", "2026-03-05", basis=COMPLETION)
    assert after(daily, "2026-03-05", "2026-03-04T08:00") == "2026-03-06"


def test_by_completion_count_counts_what_was_made():
    daily = series("FREQ=DAILY;COUNT=2", "2026-03-01", basis=COMPLETION)
    assert after(daily, "2026-03-01", "2026-03-02T08:00", made=1) == "2026-03-03"
    assert after(daily, "2026-03-03", "2026-03-04T08:00", made=2) is None


@pytest.mark.parametrize(
    ("rule", "part"),
    [
        ("", "RRULE"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "BYMONTH"),
        ("FREQ=SECONDLY", "FREQ"),
        ("FREQ=HOURLY", "FREQ"),
        ("BYDAY=MO", "FREQ"),
        ("FREQ=DAILY;INTERVAL=367", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL"),
        ("FREQ=DAILY;INTERVAL=²", "INTERVAL"),
        ("FREQ=WEEKLY;INTERVAL=53", "INTERVAL"),
        ("FREQ=MONTHLY;INTERVAL=25", "INTERVAL"),
        ("FREQ=YEARLY;INTERVAL=11", "INTERVAL"),
        ("FREQ=DAILY;COUNT=1001", "COUNT"),
        ("FREQ=DAILY;COUNT=0", "COUNT"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260101", "COUNT"),
        ("FREQ=DAILY;UNTIL=20260230", "UNTIL"),
        ("FREQ=DAILY;UNTIL=2026-01-01", "UNTIL"),
        ("FREQ=DAILY;UNTIL=00000101", "UNTIL"),
        ("FREQ=DAILY;BYHOUR=9", "BYHOUR"),
        ("FREQ=YEARLY;BYYEARDAY=100", "BYYEARDAY"),
        ("FREQ=YEARLY;BYWEEKNO=20", "BYWEEKNO"),
        ("FREQ=DAILY;EXRULE=1", "EXRULE"),
        ("FREQ=DAILY;FREQ=DAILY", "FREQ"),
        ("FREQ=DAILY;BYDAY", "BYDAY"),
        ("FREQ=DAILY;;", "RRULE"),
        ("FREQ=WEEKLY;BYDAY=1MO", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=MO,MO", "BYDAY"),
        ("FREQ=WEEKLY;BYDAY=XX", "BYDAY"),
        ("FREQ=WEEKLY;WKST=XX", "WKST"),
        ("FREQ=MONTHLY;BYDAY=MO", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=6MO", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=-2MO", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=1MO,TU", "BYDAY"),
        ("FREQ=MONTHLY;BYDAY=1MO;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=5", "BYSETPOS"),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=1,2", "BYSETPOS"),
        ("FREQ=MONTHLY;BYSETPOS=1", "BYSETPOS"),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=-29", "BYMONTHDAY"),
        ("FREQ=MONTHLY;BYMONTHDAY=1;BYDAY=1MO", "BYDAY"),
        ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31", "BYMONTHDAY"),
        ("FREQ=YEARLY;BYMONTHDAY=1", "BYMONTH"),
        ("FREQ=YEARLY;BYMONTH=13", "BYMONTH"),
        ("FREQ=YEARLY;BYMONTH=1;BYDAY=MO", "BYDAY"),
        ("FREQ=DAILY;COUNT=" + "1" * 300, "RRULE"),
    ],
)
def test_what_is_outside_of_the_grammar_is_refused_with_its_part(rule, part):
    with pytest.raises(Invalid) as caught:
        parse_rule(rule)
    assert (caught.value.code, caught.value.members["part"]) == ("invalid_rrule", part)


@pytest.mark.parametrize(
    ("rule", "anchor", "missing_day"),
    [
        ("FREQ=MONTHLY;INTERVAL=12;BYMONTHDAY=30", "2026-02-01", SKIP),
        ("FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29", "2027-02-01", SKIP),
        ("FREQ=MONTHLY;INTERVAL=24;BYDAY=5MO", "2027-02-01", LAST),
        ("FREQ=YEARLY;INTERVAL=10;BYMONTH=2;BYDAY=5MO", "2027-02-01", LAST),
        ("FREQ=MONTHLY;INTERVAL=24;BYMONTHDAY=29", "2027-02-01", SKIP),
    ],
)
def test_what_never_matches_is_refused_before_it_is_searched_for(rule, anchor, missing_day):
    begin = clock.process_time()
    with pytest.raises(Invalid) as caught:
        series(rule, anchor, missing_day=missing_day)
    assert caught.value.code == "invalid_rrule"
    assert clock.process_time() - begin < 0.1


@pytest.mark.parametrize(
    ("rule", "anchor", "fit"),
    [
        ("FREQ=WEEKLY;BYDAY=MO", "2026-03-24", "2026-03-30"),
        ("FREQ=MONTHLY;BYMONTHDAY=31", "2026-01-30T09:00", "2026-01-31T09:00:00"),
        ("FREQ=DAILY;BYDAY=SA;UNTIL=20260325", "2026-03-24", None),
    ],
)
def test_a_first_due_that_is_no_occurrence_is_refused_with_the_next_that_is(rule, anchor, fit):
    with pytest.raises(Invalid) as caught:
        series(rule, anchor)
    assert (caught.value.code, caught.value.members["next"]) == ("due_unfit_for_rule", fit)


DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@st.composite
def rules(draw):
    """A rule of the grammar, without an end."""
    freq = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    most = {"DAILY": 366, "WEEKLY": 52, "MONTHLY": 24, "YEARLY": 10}[freq]
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, most))}"]
    days = draw(st.lists(st.sampled_from(DAYS), unique=True, max_size=3))
    if freq in ("DAILY", "WEEKLY") and days:
        parts.append(f"BYDAY={','.join(days)}")
    elif freq == "MONTHLY" and days:
        kind = draw(st.sampled_from(("position", "ordinal")))
        if kind == "position":
            position = draw(st.integers(1, 4 * len(days))) * draw(st.sampled_from((1, -1)))
            parts += [f"BYDAY={','.join(days)}", f"BYSETPOS={position}"]
        else:
            parts.append(f"BYDAY={','.join(draw(st.sampled_from(('1', '3', '5', '-1'))) + day for day in days)}")
    elif freq == "MONTHLY":
        numbers = draw(st.lists(st.sampled_from((1, 15, 28, 29, 30, 31, -1, -28)), unique=True, max_size=3))
        if numbers:
            parts.append(f"BYMONTHDAY={','.join(map(str, numbers))}")
    elif freq == "YEARLY" and draw(st.booleans()):
        months = draw(st.lists(st.integers(1, 12), unique=True, min_size=1, max_size=3))
        parts += [f"BYMONTH={','.join(map(str, months))}", f"BYMONTHDAY={draw(st.sampled_from((1, 28, 29)))}"]
    return ";".join(parts)


ANCHORS = st.datetimes(datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2030-01-01")).map(
    lambda found: found.replace(microsecond=0)
)


def begun(rule, anchor, missing_day, basis=SCHEDULE, zone=BERLIN):
    """The series of a rule whose anchor is moved to its first occurrence."""
    try:
        return read_series(rule, anchor, zone, all_day=False, missing_day=missing_day, basis=basis)
    except Invalid as error:
        assume(error.code == "due_unfit_for_rule" and error.members["next"] is not None)
        fit = read_occurrence(error.members["next"])
        return read_series(rule, fit, zone, all_day=False, missing_day=missing_day, basis=basis)


@given(rule=rules(), anchor=ANCHORS, missing_day=st.sampled_from((LAST, SKIP)))
def test_occurrences_rise_and_keep_the_wall_time(rule, anchor, missing_day):
    found = list(islice(occurrences(begun(rule, anchor, missing_day)), 12))
    assert found == sorted(set(found))
    assert {occurrence.time() for occurrence in found} == {anchor.time()}


@given(rule=rules(), anchor=ANCHORS, missing_day=st.sampled_from((LAST, SKIP)), place=st.integers(0, 60))
def test_the_next_is_the_same_however_far_the_anchor_lies_back(rule, anchor, missing_day, place):
    found = begun(rule, anchor, missing_day)
    listed = list(islice(occurrences(found), place + 2))
    assume(len(listed) == place + 2)
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    following = next_occurrence(found, listed[place], now=long_ago, closed_at=long_ago, made=1)
    assert following == listed[place + 1]


@given(
    rule=rules(),
    anchor=ANCHORS,
    basis=st.sampled_from((SCHEDULE, COMPLETION)),
    days=st.integers(-400, 400),
    zone=st.sampled_from(("Europe/Berlin", "America/Santiago", "Pacific/Auckland", "Asia/Kolkata")),
)
def test_the_next_is_later_than_the_present_one_and_lies_in_the_future(rule, anchor, basis, days, zone):
    found = begun(rule, anchor, LAST, basis, zone_of(zone))
    now = anchor.replace(tzinfo=UTC) + timedelta(days=days)
    following = next_occurrence(found, found.anchor, now=now, closed_at=now, made=1)
    assert following is not None
    assert following > found.anchor
    assert found.due_date(following) > now


@given(
    rule=rules(),
    anchor=ANCHORS,
    missing_day=st.sampled_from((LAST, SKIP)),
    basis=st.sampled_from((SCHEDULE, COMPLETION)),
    days=st.integers(0, 4000),
)
def test_what_was_missed_is_passed_over_as_it_would_be_one_by_one(rule, anchor, missing_day, basis, days):
    found = begun(rule, anchor, missing_day, basis)
    now = anchor.replace(tzinfo=UTC) + timedelta(days=days)
    closed_at = found.anchor.replace(
        tzinfo=found.zone
    )  # the local day of the anchor, which late evenings in UTC are not
    following = next_occurrence(found, found.anchor, now=now, closed_at=closed_at, made=1)
    later = (each for each in occurrences(found) if each.date() > found.anchor.date() and found.due_date(each) > now)
    assert following == next(later)


DAYS_OF_MONTHS = ",".join(map(str, range(1, 32)))


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR,SA,SU",
        f"FREQ=MONTHLY;BYMONTHDAY={DAYS_OF_MONTHS}",
        f"FREQ=YEARLY;BYMONTH=1,3,5,7,8,10,12;BYMONTHDAY={DAYS_OF_MONTHS}",
        f"FREQ=YEARLY;BYMONTH=1,3,5,7,8,10,12;BYMONTHDAY={DAYS_OF_MONTHS};COUNT=1000",
    ],
)
@pytest.mark.parametrize("basis", [SCHEDULE, COMPLETION])
def test_a_century_that_was_missed_takes_no_time(rule, basis):
    # Of a batch all 500 may be such, in a thread that others wait for. One took a third of a second to 1.3 seconds.
    begin = clock.process_time()
    found = series(rule, "1900-01-01", basis=basis)
    after(found, "1900-01-01", "2026-11-29T09:00", "1900-01-02T09:00")
    assert clock.process_time() - begin < 0.1


@given(rule=rules(), anchor=ANCHORS, count=st.integers(1, 30))
def test_count_is_how_many_there_are(rule, anchor, count):
    endless = begun(rule, anchor, LAST)
    counted = begun(f"{rule};COUNT={count}", endless.anchor, LAST)
    assert list(occurrences(counted)) == list(islice(occurrences(endless), count))


@given(rule=rules(), anchor=ANCHORS, missing_day=st.sampled_from((LAST, SKIP)))
def test_reading_a_rule_takes_no_time_whatever_it_is(rule, anchor, missing_day):
    begin = clock.process_time()
    begun(rule, anchor, missing_day)
    assert clock.process_time() - begin < 1


def test_the_text_of_an_occurrence_reads_back():
    for all_day, text in ((True, "2026-03-05"), (False, "2026-03-05T09:30:00")):
        found = Series(parse_rule("FREQ=DAILY"), read_occurrence("2026-03-05"), UTC_ZONE, all_day)
        assert found.text(read_occurrence(text)) == text
    assert read_occurrence("2026-03-05") == datetime.combine(date(2026, 3, 5), time())
