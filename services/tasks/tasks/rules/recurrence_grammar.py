"""The grammar of recurrence rules: a closed part of RFC 5545's RRULE, checked before any search begins. Pure, no I/O.

What can never match is refused here by counting, because a search for it would go on to the year 9999.
"""

import calendar
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final, NoReturn

from chassis.errors import FieldError, Invalid

LONGEST_RULE = 255
MOST_OCCURRENCES = 1000
DAILY, WEEKLY, MONTHLY, YEARLY = "DAILY", "WEEKLY", "MONTHLY", "YEARLY"
LARGEST_INTERVAL: Final = {DAILY: 366, WEEKLY: 52, MONTHLY: 24, YEARLY: 10}
PARTS: Final = {
    DAILY: ("BYDAY",),
    WEEKLY: ("BYDAY", "WKST"),
    MONTHLY: ("BYMONTHDAY", "BYDAY", "BYSETPOS"),
    YEARLY: ("BYMONTH", "BYMONTHDAY", "BYDAY"),
}
WEEKDAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
LONGEST_MONTH: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Every month has this day; later ones may be missing.
SURE_DAY = 28
FEWEST_WEEKS = 4
# Of periods of any length so many lie within the pattern of leap years and weekdays, which repeats after 400 years.
_PERIODS = 400
_NUMBER = re.compile(r"[0-9]{1,4}\Z")
_SIGNED = re.compile(r"[+-]?[0-9]{1,2}\Z")
_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)\Z")
_UNTIL = re.compile(r"[0-9]{8}(T[0-9]{6}Z?)?\Z")


@dataclass(frozen=True, slots=True)
class Weekday:
    """A day of the week, 0 for Monday; `ordinal` counts it within a month, from the end if negative, 0 for each."""

    day: int
    ordinal: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is well formed. `until` is a date for the whole of that day, an aware time, or a wall time."""

    freq: str
    interval: int = 1
    byday: tuple[Weekday, ...] = ()
    bymonthday: tuple[int, ...] = ()
    bymonth: tuple[int, ...] = ()
    bysetpos: int | None = None
    wkst: int = 0
    count: int | None = None
    until: date | datetime | None = None


def refuse(part: str, detail: str) -> NoReturn:
    """Raise Invalid for a rule, with the part that is wrong."""
    fault = FieldError("/recurrence/rrule", "invalid_rrule", detail)
    raise Invalid("invalid_rrule", f"{part[:40]}: {detail}", (fault,), members={"part": part[:40]})


@lru_cache(maxsize=1024)
def parse_rule(text: str) -> Rule:
    """The rule that a text is. Raises Invalid (`invalid_rrule`) for whatever is outside of the grammar."""
    if len(text) > LONGEST_RULE:
        refuse("RRULE", f"A rule has at most {LONGEST_RULE} characters.")
    parts = _parts(text.upper())
    freq = parts.pop("FREQ", "")
    if freq not in PARTS:
        refuse("FREQ", "One of DAILY, WEEKLY, MONTHLY and YEARLY is wanted.")
    interval = _whole("INTERVAL", parts.pop("INTERVAL", "1"), LARGEST_INTERVAL[freq])
    count = _whole("COUNT", parts.pop("COUNT"), MOST_OCCURRENCES) if "COUNT" in parts else None
    until = _until(parts.pop("UNTIL")) if "UNTIL" in parts else None
    if count is not None and until is not None:
        refuse("COUNT", "A rule has COUNT or UNTIL, not both.")
    for name in parts:
        if name not in PARTS[freq]:
            refuse(name, f"{freq} takes {', '.join(PARTS[freq])} beside INTERVAL, COUNT and UNTIL.")
    rule = Rule(
        freq=freq,
        interval=interval,
        byday=_weekdays(parts.get("BYDAY")),
        bymonthday=_numbers("BYMONTHDAY", parts.get("BYMONTHDAY"), 31, signed=freq == MONTHLY),
        bymonth=_numbers("BYMONTH", parts.get("BYMONTH"), 12, signed=False),
        bysetpos=_position(parts.get("BYSETPOS")),
        wkst=_week_start(parts.get("WKST", "MO")),
        count=count,
        until=until,
    )
    _CHECKS[freq](rule)
    return rule


def can_match(rule: Rule, anchor: datetime, *, skips: bool) -> bool:
    """Whether a rule has any occurrence from its anchor on.

    `skips` says that a day which a month lacks is left out there, and not the month's last day instead.
    """
    if rule.freq == DAILY:
        weekdays = {weekday.day for weekday in rule.byday}
        return not weekdays or rule.interval % 7 != 0 or anchor.weekday() in weekdays
    return rule.freq == WEEKLY or any(
        _has_day(rule, anchor, year, month, skips=skips) for year, month in _months(rule, anchor)
    )


def _has_day(rule: Rule, anchor: datetime, year: int, month: int, *, skips: bool) -> bool:
    if rule.byday:
        return any(_has_weekday(year, month, weekday) for weekday in rule.byday)
    longest = calendar.monthrange(year, month)[1]
    return not skips or any(day <= longest for day in rule.bymonthday or (anchor.day,))


def _months(rule: Rule, anchor: datetime) -> Iterator[tuple[int, int]]:
    """The months that a rule looks into, from its anchor's on."""
    for period in range(_PERIODS):
        if rule.freq == YEARLY:
            year = anchor.year + period * rule.interval
            months = rule.bymonth or (anchor.month,)
        else:
            year, month = divmod(anchor.year * 12 + anchor.month - 1 + period * rule.interval, 12)
            months = (month + 1,)
        if year > date.max.year:
            return
        yield from ((year, month) for month in months)


def _has_weekday(year: int, month: int, weekday: Weekday) -> bool:
    first, longest = calendar.monthrange(year, month)
    fifth = 29 + (weekday.day - first) % 7
    return abs(weekday.ordinal) <= FEWEST_WEEKS or fifth <= longest


def _parts(text: str) -> dict[str, str]:
    parts: dict[str, str] = {}
    for piece in text.removeprefix("RRULE:").split(";"):
        name, equals, value = piece.partition("=")
        if not equals or not value:
            refuse(name or "RRULE", "Parts are NAME=VALUE, joined by semicolons.")
        if name in parts:
            refuse(name, "A part is given once.")
        parts[name] = value
    return parts


def _whole(name: str, text: str, largest: int) -> int:
    if not _NUMBER.match(text) or not 1 <= int(text) <= largest:
        refuse(name, f"A whole number from 1 to {largest} is wanted.")
    return int(text)


def _until(text: str) -> date | datetime:
    if not _UNTIL.match(text):
        refuse("UNTIL", "A day (20260105) or a time (20260105T090000Z) is wanted.")
    try:
        if "T" not in text:
            return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007  # A day has no zone.
        moment = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")  # noqa: DTZ007  # It gets its own below.
    except ValueError:
        refuse("UNTIL", "There is no such day or time.")
    return moment.replace(tzinfo=UTC) if text.endswith("Z") else moment


def _weekdays(text: str | None) -> tuple[Weekday, ...]:
    found: list[Weekday] = []
    for piece in [] if text is None else text.split(","):
        match = _DAY.match(piece)
        if match is None:
            refuse("BYDAY", "Days are MO, TU, WE, TH, FR, SA, SU.")
        ordinal = int(match[1] or 0)
        if match[1] is not None and ordinal not in (1, 2, 3, 4, 5, -1):
            refuse("BYDAY", "A day is counted from 1 to 5, or -1 for the last.")
        found.append(Weekday(WEEKDAYS.index(match[2]), ordinal))
    if len(set(found)) != len(found):
        refuse("BYDAY", "A day is given once.")
    return tuple(found)


def _numbers(name: str, text: str | None, largest: int, *, signed: bool) -> tuple[int, ...]:
    found: list[int] = []
    for piece in [] if text is None else text.split(","):
        smallest = -SURE_DAY if signed else 1
        if not _SIGNED.match(piece) or not smallest <= int(piece) <= largest or int(piece) == 0:
            refuse(name, f"Whole numbers from 1 to {largest} are wanted{f', or to {smallest}' if signed else ''}.")
        found.append(int(piece))
    if len(set(found)) != len(found):
        refuse(name, "A number is given once.")
    return tuple(found)


def _position(text: str | None) -> int | None:
    if text is None:
        return None
    if not _SIGNED.match(text) or int(text) == 0:
        refuse("BYSETPOS", "One whole number is wanted.")
    return int(text)


def _week_start(text: str) -> int:
    if text not in WEEKDAYS:
        refuse("WKST", "Days are MO, TU, WE, TH, FR, SA, SU.")
    return WEEKDAYS.index(text)


def _plain_days(rule: Rule) -> None:
    if any(weekday.ordinal for weekday in rule.byday):
        refuse("BYDAY", f"{rule.freq} takes days without a number.")


def _monthly(rule: Rule) -> None:
    if rule.bymonthday and rule.byday:
        refuse("BYDAY", "MONTHLY takes BYMONTHDAY or BYDAY, not both.")
    counted = {bool(weekday.ordinal) for weekday in rule.byday}
    if len(counted) > 1:
        refuse("BYDAY", "Either each day has a number or none has.")
    if rule.bysetpos is None:
        if counted == {False}:
            refuse("BYDAY", "MONTHLY takes days with a number, or one BYSETPOS.")
        return
    if counted != {False}:
        refuse("BYSETPOS", "It counts days of BYDAY that have no number themselves.")
    if abs(rule.bysetpos) > FEWEST_WEEKS * len(rule.byday):
        refuse("BYSETPOS", f"A month may have no more than {FEWEST_WEEKS * len(rule.byday)} of these days.")


def _yearly(rule: Rule) -> None:
    if rule.bymonthday and rule.byday:
        refuse("BYDAY", "YEARLY takes BYMONTHDAY or BYDAY, not both.")
    if (rule.bymonthday or rule.byday) and not rule.bymonth:
        refuse("BYMONTH", "YEARLY takes days of the months that BYMONTH names.")
    if not all(weekday.ordinal for weekday in rule.byday):
        refuse("BYDAY", "YEARLY takes days with a number.")
    for day in rule.bymonthday:
        if any(day > LONGEST_MONTH[month - 1] for month in rule.bymonth):
            refuse("BYMONTHDAY", f"Not every month of BYMONTH has a day {day}.")


_CHECKS: Final[Mapping[str, Callable[[Rule], None]]] = {
    DAILY: _plain_days,
    WEEKLY: _plain_days,
    MONTHLY: _monthly,
    YEARLY: _yearly,
}
