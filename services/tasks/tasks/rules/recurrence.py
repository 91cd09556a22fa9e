"""Occurrences of a series: computed on wall times, to which the zone is attached afterwards. Pure, no I/O.

This is the only module that knows dateutil. Its author says so himself: aware times break where clocks change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule

from chassis.errors import FieldError, Invalid
from tasks.rules.due import all_day_due
from tasks.rules.recurrence_grammar import (
    DAILY,
    LONGEST_MONTH,
    MONTHLY,
    SURE_DAY,
    WEEKLY,
    YEARLY,
    Rule,
    can_match,
    parse_rule,
    refuse,
)
from tasks.rules.zones import instant_of, local_time

LAST, SKIP = "last", "skip"
SCHEDULE, COMPLETION = "schedule", "completion"
_FREQUENCIES: Mapping[str, Literal[0, 1, 2, 3]] = {
    DAILY: rrule.DAILY,
    WEEKLY: rrule.WEEKLY,
    MONTHLY: rrule.MONTHLY,
    YEARLY: rrule.YEARLY,
}


@dataclass(frozen=True, slots=True)
class Series:
    """What a series is computed from: its rule, the wall time of its first occurrence, its zone.

    The anchor of an all-day series is the midnight of its first day.
    """

    rule: Rule
    anchor: datetime
    zone: ZoneInfo
    all_day: bool
    missing_day: str = LAST
    basis: str = SCHEDULE

    def due_date(self, occurrence: datetime) -> datetime:
        """The instant from which an occurrence is overdue."""
        return all_day_due(occurrence.date(), self.zone) if self.all_day else instant_of(occurrence, self.zone)

    def text(self, occurrence: datetime) -> str:
        """An occurrence's local date, or date and time, which names it within the series."""
        return occurrence.date().isoformat() if self.all_day else occurrence.isoformat()


def read_series(text: str, anchor: datetime, zone: ZoneInfo, *, all_day: bool, missing_day: str, basis: str) -> Series:
    """The series of a rule whose first occurrence is `anchor`, a wall time. Raises Invalid.

    `invalid_rrule` where the rule is none or never matches, `due_unfit_for_rule` with the next occurrence where the
    anchor is none.
    """
    rule = parse_rule(text)
    if not can_match(rule, anchor, skips=missing_day == SKIP):
        refuse(rule.freq, "No day is ever like that.")
    series = Series(rule, anchor, zone, all_day, missing_day, basis)
    # A rule that ends before it begins has no next occurrence either.
    first = next(occurrences(replace(series, rule=replace(rule, count=None, until=None))), None)
    if first != anchor or _ended(series, anchor):
        fit = None if first is None or _ended(series, first) else series.text(first)
        detail = "The rule has no occurrence at the task's due date." + (f" The next one is {fit}." if fit else "")
        fault = FieldError("/recurrence/rrule", "due_unfit_for_rule", detail)
        raise Invalid("due_unfit_for_rule", detail, (fault,), members={"next": fit})
    return series


def occurrences(series: Series) -> Iterator[datetime]:
    """All occurrences from the anchor on, as wall times, in order."""
    return _limited(series, _unlimited(series.rule, series.anchor, skips=series.missing_day == SKIP))


def next_occurrence(
    series: Series, present: datetime, *, now: datetime, closed_at: datetime, made: int
) -> datetime | None:
    """The occurrence after `present` that a task is made for, or None where the series is over.

    By schedule it is the first one later than the present one that lies in the future, so that what was missed is
    passed over. By completion the rule runs from the local date of `closed_at`; `made` is how many occurrences there
    were.
    """
    candidates: Iterator[datetime]
    if series.basis == COMPLETION:
        if series.rule.count is not None and made >= series.rule.count:
            return None
        begin = _beginning(series, local_time(closed_at, series.zone).date())
        endless = replace(series, anchor=begin, rule=replace(series.rule, count=None))
        candidates = (found for found in occurrences(endless) if found.date() > begin.date())
    elif series.rule.count is not None:
        candidates = occurrences(series)
    else:
        candidates = occurrences(_nearer(series, present))
    return next((found for found in candidates if found > present and series.due_date(found) > now), None)


def _beginning(series: Series, day: date) -> datetime:
    """The day from which a rule runs anew: the given one, or the first after it from which it ever matches."""
    begin = datetime.combine(day, series.anchor.time())
    while not can_match(series.rule, begin, skips=series.missing_day == SKIP):
        begin += timedelta(days=1)
        if series.rule.freq != DAILY and begin.day != 1:
            begin = (begin.replace(day=SURE_DAY) + timedelta(days=4)).replace(day=1)
    return begin


def _limited(series: Series, endless: Iterator[datetime]) -> Iterator[datetime]:
    if series.rule.count is not None:
        return islice(endless, series.rule.count)
    return takewhile(lambda found: not _ended(series, found), endless)


def _ended(series: Series, occurrence: datetime) -> bool:
    """Whether an occurrence lies behind UNTIL: a date includes the whole of that local day."""
    until = series.rule.until
    if until is None:
        return False
    if not isinstance(until, datetime):
        return occurrence.date() > until
    return occurrence > (until if until.tzinfo is None else local_time(until, series.zone))


def _unlimited(rule: Rule, anchor: datetime, *, skips: bool) -> Iterator[datetime]:
    """The occurrences without COUNT and UNTIL.

    A day that some months lack makes a rule of its own: of the days from the 28th to it the last one that there is.
    """
    days = rule.bymonthday
    if rule.freq == MONTHLY and not rule.byday:
        days = days or (anchor.day,)
        every: list[tuple[int | None, int]] = [(None, day) for day in days]
    elif rule.freq == YEARLY and not rule.byday:
        every = [(month, day) for month in rule.bymonth or (anchor.month,) for day in days or (anchor.day,)]
    else:
        return iter(_plain(rule, anchor))
    together = rrule.rruleset()
    for month, day in every:
        together.rrule(_of_day(rule, anchor, month, day, skips=skips))
    return iter(together)


def _of_day(rule: Rule, anchor: datetime, month: int | None, day: int, *, skips: bool) -> rrule.rrule:
    missing = day > SURE_DAY and (month is None or day >= LONGEST_MONTH[month - 1] == 29)  # noqa: PLR2004  # February's.
    fallback = missing and not skips
    return rrule.rrule(
        _FREQUENCIES[rule.freq],
        dtstart=anchor,
        interval=rule.interval,
        bymonth=month,
        bymonthday=range(SURE_DAY, day + 1) if fallback else day,
        bysetpos=-1 if fallback else None,
    )


def _plain(rule: Rule, anchor: datetime) -> rrule.rrule:
    weekdays = [rrule.weekday(weekday.day, weekday.ordinal or None) for weekday in rule.byday]
    return rrule.rrule(
        _FREQUENCIES[rule.freq],
        dtstart=anchor,
        interval=rule.interval,
        wkst=rule.wkst,
        bymonth=rule.bymonth or None,
        byweekday=weekdays or None,
        bysetpos=rule.bysetpos,
    )


def _nearer(series: Series, present: datetime) -> Series:
    """The series begun later, in step with its anchor and not after `present`, so that a long past costs nothing."""
    rule, anchor = series.rule, series.anchor
    if rule.freq in (DAILY, WEEKLY):
        step = timedelta(days=rule.interval * (1 if rule.freq == DAILY else 7))
        begun = anchor + max(0, (present - anchor) // step - 1) * step
    else:
        step_months = rule.interval * (1 if rule.freq == MONTHLY else 12)
        passed = (present.year - anchor.year) * 12 + present.month - anchor.month
        steps = max(0, passed // step_months - 1)
        if steps == 0:
            return series
        # What the rule takes from its anchor is said, so that the first of a month can stand for it.
        rule = replace(
            rule,
            bymonthday=rule.bymonthday or (() if rule.byday else (anchor.day,)),
            bymonth=rule.bymonth or ((anchor.month,) if rule.freq == YEARLY else ()),
        )
        year, month = divmod(anchor.year * 12 + anchor.month - 1 + steps * step_months, 12)
        begun = datetime.combine(date(year, 1 if rule.freq == YEARLY else month + 1, 1), anchor.time())
    return replace(series, rule=rule, anchor=begun)


def read_occurrence(text: str) -> datetime:
    """An occurrence from the text that names it."""
    found = datetime.fromisoformat(text)
    return found if "T" in text else datetime.combine(found.date(), time())
