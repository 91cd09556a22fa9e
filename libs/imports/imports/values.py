"""Dates and amounts as people and programs write them, and lists in a cell. Pure.

Nothing is guessed: what could be two things is refused with a sentence, until somebody has said which of them it is.
"""

import csv
import re
from collections.abc import Iterable
from datetime import UTC, datetime

DAY_FIRST, MONTH_FIRST = "day_first", "month_first"
DATE_FORMATS = (DAY_FIRST, MONTH_FIRST)
DECIMAL_MARKS = (".", ",")

_MONTHS = 12
_CENTURY, _PIVOT = 100, 70
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<sign>[./-])(?P<b>\d{1,2})(?P=sign)(?P<c>\d{1,4})"
    r"(?:[ T,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[AaPp])?\.?[Mm]?\.?)?\Z"
)
_WORDED = ("%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%d-%b-%Y", "%d-%b-%y")
_AMOUNT = re.compile(r"(?P<minus>-?)(?P<digits>\d[\d.,]*)\Z")
_AROUND_AMOUNTS = re.compile(
    r"[\s'\u2019\u00a0\u202f€$£¥₹₽₺₴]|\b(?:EUR|USD|GBP|CHF|JPY|SEK|NOK|DKK|PLN|CZK)\b|\bkr\.?|zł", re.IGNORECASE
)
_GROUP = 3
_BETWEEN_ADDRESSES = re.compile(r"\s*(?::::|[;,\n|])\s*|\s+(?=\S+@)")
_BETWEEN_NUMBERS = re.compile(r"\s*(?::::|[;,\n|])\s*|\s+/\s+")
_BETWEEN_PAGES = re.compile(r"\s*(?::::|[;\n])\s*|,?\s+(?=https?://)")
# Whether something follows a blank is asked at each blank anew, so that long runs of them are made short ones.
_BLANKS = re.compile(r"[^\S\n]{20,}")
_BETWEEN_TAGS = re.compile(r"[;,\n]")
_NAMED_ADDRESS = re.compile(r"<\s*([^<>\s@]+@[^<>\s@]+)\s*>")
_NO_VALUE = frozenset(("-", "--", "n/a", "n.a.", "none", "null", "nil", "?", "k.a.", "keine"))
# The group of all contacts and its like, which Google makes by itself.
_GOOGLE_S_OWN = frozenset(("mycontacts", "other contacts", "my contacts", "meine kontakte", "weitere kontakte"))
_LEAST_DIGITS = 5
_MARK = " ::: "


def says_nothing(text: str) -> bool:
    """Whether a cell holds what people write where there is nothing."""
    return text.lower() in _NO_VALUE


def propose_date_format(samples: Iterable[str]) -> str | None:
    """Whether days or months come first in dates such as 05/31/2024; None where the samples leave a doubt."""
    found = set()
    for sample in samples:
        date = _DATE.match(sample.strip())
        if date and date["sign"] != "." and len(date["a"]) <= 2:  # noqa: PLR2004  # Four digits are a year.
            first, second = int(date["a"]), int(date["b"])
            if first > _MONTHS >= second:
                found.add(DAY_FIRST)
            elif second > _MONTHS >= first:
                found.add(MONTH_FIRST)
    return found.pop() if len(found) == 1 else None


def parse_moment(text: str, form: str | None = None) -> datetime:
    """The moment that a text names; without a time zone it is of UTC. Raises ValueError with a sentence."""
    moment = _iso(text) or _of_digits(text, form) or _worded(text)
    if moment is None:
        raise ValueError("This is no date that can be read; 2026-05-31, 31.05.2026 and 05/31/2026 14:30 can.")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _iso(text: str) -> datetime | None:
    if text[:4].isdigit():
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None
    return None


def _worded(text: str) -> datetime | None:
    for form in _WORDED:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _of_digits(text: str, form: str | None) -> datetime | None:
    found = _DATE.match(text)
    if found is None:
        return None
    first, second, third = (int(found[name]) for name in "abc")
    if len(found["a"]) == 4:  # noqa: PLR2004  # The year.
        year, month, day = first, second, third
    else:
        year = third + (0 if len(found["c"]) > 2 else 1900 if third >= _PIVOT else 2000)  # noqa: PLR2004
        day, month = _day_and_month(first, second, DAY_FIRST if found["sign"] == "." else form)
    hour = int(found["hour"] or 0)
    if found["half"]:
        hour = hour % 12 + (12 if found["half"] in "pP" else 0)
    try:
        return datetime(year, month, day, hour, int(found["minute"] or 0), int(found["second"] or 0), tzinfo=UTC)
    except ValueError:
        raise ValueError("There is no such day or time.") from None


def _day_and_month(first: int, second: int, form: str | None) -> tuple[int, int]:
    if form == DAY_FIRST or (form is None and first > _MONTHS):
        return first, second
    if form == MONTH_FIRST or second > _MONTHS or first == second:
        return second, first
    detail = "could be of two months: say with date_format whether days or months come first"
    raise ValueError(f"A date such as {first}/{second} {detail}.")


def propose_decimal_mark(samples: Iterable[str]) -> str | None:
    """What stands before the cents in amounts; None where the samples leave a doubt."""
    found = {mark for sample in samples if (mark := _mark_of(_bare(sample))) is not None}
    return found.pop() if len(found) == 1 else None


def _bare(text: str) -> str:
    return _AROUND_AMOUNTS.sub("", text.strip())


def _mark_of(text: str) -> str | None:
    """The mark that this amount itself leaves no doubt about."""
    commas, points = text.count(","), text.count(".")
    if commas and points:
        last = max(text.rfind(","), text.rfind("."))
        return text[last] if text.count(text[last]) == 1 else None
    if commas + points > 1:
        return "." if commas else ","
    if commas + points == 1:
        sign = "," if commas else "."
        before, _, after = text.partition(sign)
        return None if len(after) == _GROUP and before.lstrip("-") not in ("", "0") else sign
    return None


def parse_amount(text: str, mark: str | None = None) -> str:
    """An amount as a plain decimal number, without signs of currency. Raises ValueError with a sentence."""
    bare = _bare(text)
    if bare.startswith("(") and bare.endswith(")"):  # As accountants write what is below zero.
        bare = f"-{bare[1:-1]}"
    found = _AMOUNT.match(bare)
    if found is None:
        raise ValueError("This is no amount; 1500, 1,500.00 and 1.500,00 € are.")
    digits = found["digits"]
    if mark is None and ("," in digits or "." in digits):
        mark = _mark_of(digits)
        if mark is None:
            raise ValueError(f"{digits} could be two amounts: say with decimal_mark what stands before the cents.")
    other = "," if mark == "." else "."
    whole, _, cents = digits.partition(mark) if mark else (digits, "", "")
    groups = whole.split(other)
    if other in cents or (mark and mark in cents) or any(len(group) != _GROUP for group in groups[1:]) or not whole:
        raise ValueError(f"This is no amount where cents come after {mark!r}.")
    return found["minus"] + "".join(groups) + (f".{cents}" if cents else "")


def addresses_in(text: str) -> list[str]:
    """The e-mail addresses in a cell, without names around them; what is none stays as it is, to be judged."""
    text = _BLANKS.sub(" ", text.removeprefix("mailto:"))
    if text.count("@") == 1 and "<" not in text and _MARK not in text:
        return [text.strip(";, ")] if text[-1:] in ";," else [text]
    if named := _NAMED_ADDRESS.findall(text):
        return list(dict.fromkeys(named))
    parts = (part.removeprefix("mailto:") for part in _BETWEEN_ADDRESSES.split(text) if part)
    return list(dict.fromkeys(part for part in parts if not says_nothing(part)))


def numbers_in(text: str) -> list[str]:
    """The telephone numbers in a cell; one where not every piece of it could be a number."""
    parts = [part for part in _BETWEEN_NUMBERS.split(_BLANKS.sub(" ", text)) if part]
    if len(parts) > 1 and all(sum(sign.isdigit() for sign in part) >= _LEAST_DIGITS for part in parts):
        return list(dict.fromkeys(parts))
    return [text]


def pages_in(text: str) -> list[str]:
    """The web addresses in a cell."""
    return list(dict.fromkeys(part for part in _BETWEEN_PAGES.split(_BLANKS.sub(" ", text)) if part))


def records_in(text: str) -> list[str]:
    """The records that a cell lists, by their numbers or names."""
    return [part for one in text.split(";") if (part := one.strip())]


def tags_in(text: str) -> list[str]:
    """The tags in a cell: lists with signs between, Google's, and those that are CSV themselves as Mailchimp's are."""
    if text.startswith('"'):
        parts = next(csv.reader([text], skipinitialspace=True))
    elif ":::" in text or text.startswith("* "):
        parts = [part.strip() for part in text.split(":::")]
        parts = [part.removeprefix("* ") for part in parts if part[2:].lower() not in _GOOGLE_S_OWN]
    else:
        parts = _BETWEEN_TAGS.split(text)
    return list(dict.fromkeys(tag for part in parts if (tag := part.strip())))
