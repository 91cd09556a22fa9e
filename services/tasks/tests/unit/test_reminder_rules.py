"""When reminders fire, and what becomes of one that was computed too late."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from tasks.rules.reminders import (
    FIRED,
    SKIPPED,
    WAITING,
    fire_at_all_day,
    fire_at_timed,
    retry_at,
    state_when_computed,
    too_late,
)
from tasks.rules.zones import zone_of

BERLIN = zone_of("Europe/Berlin")
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_one_day_before_an_all_day_task_is_nine_on_the_wall_clock_though_the_clocks_change_between():
    assert fire_at_all_day(date(2026, 3, 30), BERLIN, days_before=1) == datetime(2026, 3, 29, 7, tzinfo=UTC)


def test_minutes_before_an_all_day_task_count_from_the_beginning_of_its_working_day():
    at = fire_at_all_day(date(2026, 3, 30), BERLIN, minutes_before=90, day_starts_at=time(8))
    assert at == datetime(2026, 3, 30, 4, 30, tzinfo=UTC)


def test_a_time_of_day_of_its_own_counts_before_the_beginning_of_the_day():
    assert fire_at_all_day(date(2026, 3, 30), BERLIN, at_time=time(7, 30)) == datetime(2026, 3, 30, 5, 30, tzinfo=UTC)


def test_minutes_before_a_timed_task_are_elapsed_time_though_the_clocks_change_between():
    due = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30, half an hour after the clocks went forward.
    assert fire_at_timed(due, BERLIN, minutes_before=60) == datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def test_days_before_a_timed_task_are_days_of_the_wall_clock():
    due = datetime(2026, 3, 30, 7, tzinfo=UTC)  # 09:00 in summer.
    assert fire_at_timed(due, BERLIN, days_before=2) == datetime(2026, 3, 28, 8, tzinfo=UTC)
    assert fire_at_timed(due, BERLIN, days_before=2, at_time=time(18)) == datetime(2026, 3, 28, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("fire_at", "due_date", "fired_for", "state"),
    [
        (NOW + HOUR, NOW + 2 * HOUR, None, WAITING),
        (NOW + HOUR, NOW + 2 * HOUR, NOW + HOUR, FIRED),
        (NOW + HOUR, NOW + 2 * HOUR, NOW - HOUR, WAITING),  # The due date has moved: once more.
        (NOW - HOUR, NOW + HOUR, None, WAITING),  # The meeting was moved to earlier: at once.
        (NOW - HOUR, NOW - HOUR, None, SKIPPED),  # An import of old tasks.
        (NOW - HOUR, None, None, SKIPPED),
        (NOW + HOUR, None, None, WAITING),
        (None, NOW + HOUR, None, SKIPPED),
    ],
)
def test_what_becomes_of_a_reminder_that_was_computed(fire_at, due_date, fired_for, state):
    assert state_when_computed(fire_at, now=NOW, due_date=due_date, fired_for=fired_for) == state


def test_a_reminder_is_too_late_after_a_day_and_not_before():
    day, older = NOW - timedelta(hours=24), NOW - timedelta(hours=24, microseconds=1)
    assert not too_late(day, older, NOW)
    assert too_late(older, older, NOW)


def test_one_that_was_past_when_it_was_computed_is_late_from_then_on():
    assert not too_late(NOW - timedelta(days=9), NOW - timedelta(hours=1), NOW)
    assert too_late(NOW - timedelta(days=9), NOW - timedelta(hours=25), NOW)


def test_a_reminder_that_fails_is_tried_three_times_more():
    minutes = [retry_at(NOW, attempts) for attempts in (1, 2, 3, 4)]
    assert minutes == [*(NOW + timedelta(minutes=wait) for wait in (1, 5, 30)), None]
