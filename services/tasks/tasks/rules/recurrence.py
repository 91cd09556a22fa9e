"""Occurrences of a series: computed on wall times, to which the zone is attached afterwards. Pure, no I/O.

This is the only module that knows dateutil. Its author says so himself: aware times break where clocks change.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice, takewhile
from typing import Literal
from zoneinfo import ZoneInfo

from dateutil import rrule

from chassis.errors import FieldError, Invalid
from tasks.rules.due import all_day_due
from tasks.rules.recurrence_grammar import (
    DAILY,
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
_FEBRUARY = 2
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
    # None is due in the future whose day was over the day before yesterday: one from long ago costs what others do.
    near = max(present, local_time(now, series.zone) - timedelta(days=2))
    candidates: Iterator[datetime]
    if series.basis == COMPLETION:
        if series.rule.count is not None and made >= series.rule.count:
            return None
        begin = _beginning(series, local_time(closed_at, series.zone).date())
        endless = replace(series, anchor=begin, rule=replace(series.rule, count=None))
        candidates = (found for found in occurrences(_nearer(endless, near)) if found.date() > begin.date())
    elif series.rule.count is not None:
        candidates = occurrences(series)
    else:
        candidates = occurrences(_nearer(series, near))
    return next((found for found in candidates if found > near and series.due_date(found) > now), None)


def _beginning(series: Series, day: date) -> datetime:
    """The day from which a rule runs anew: the given one, or the first after it from which it ever matches."""
    rule = replace(series.rule, count=None, until=None)
    return datetime.combine(_first_day(rule, day, skips=series.missing_day == SKIP), series.anchor.time())


@lru_cache(maxsize=1024)
def _first_day(rule: Rule, day: date, *, skips: bool) -> date:
    begin = datetime.combine(day, time())
    while not can_match(rule, begin, skips=skips):
        begin += timedelta(days=1)
        if rule.freq != DAILY and begin.day != 1:
            begin = (begin.replace(day=SURE_DAY) + timedelta(days=4)).replace(day=1)
    return begin.date()


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
    """The occurrences without COUNT and UNTIL."""
    if rule.byday or rule.freq not in (MONTHLY, YEARLY):
        return iter(_plain(rule, anchor))
    together = rrule.rruleset()
    for part in _dated(rule, anchor, skips=skips):
        together.rrule(part)
    return iter(together)


def _dated(rule: Rule, anchor: datetime, *, skips: bool) -> Iterator[rrule.rrule]:
    """The rules of a rule that names days by their numbers: few, since all that run at once are searched.

    A day that some months lack makes a rule of its own: of the days from the 28th to it the last one that there is.
    """
    days = rule.bymonthday or (anchor.day,)
    months = (rule.bymonth or (anchor.month,)) if rule.freq == YEARLY else ()
    may_lack = not skips and (not months or _FEBRUARY in months)
    lacked = tuple(day for day in days if may_lack and day > SURE_DAY)
    if certain := tuple(day for day in days if day not in lacked):
        yield _of_days(rule, anchor, months, certain)
    for day in lacked:
        if longer := tuple(month for month in months if month != _FEBRUARY):
            yield _of_days(rule, anchor, longer, (day,))
        last = tuple(range(SURE_DAY, day + 1))
        yield _of_days(rule, anchor, (_FEBRUARY,) if months else (), last, bysetpos=-1)


def _of_days(
    rule: Rule, anchor: datetime, months: tuple[int, ...], days: tuple[int, ...], *, bysetpos: int | None = None
) -> rrule.rrule:
    return rrule.rrule(
        _FREQUENCIES[rule.freq],
        dtstart=anchor,
        interval=rule.interval,
        bymonth=months or None,
        bymonthday=days,
        bysetpos=bysetpos,
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
