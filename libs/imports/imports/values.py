"""Dates and amounts as people and programs write them, and lists in a cell. Pure.

Nothing is guessed: what could be two things is refused with a sentence, until somebody has said which of them it is.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from people.months import month_of

DAY_FIRST, MONTH_FIRST = "day_first", "month_first"
DATE_FORMATS = (DAY_FIRST, MONTH_FIRST)
DECIMAL_MARKS = (".", ",")

_MONTHS = 12
_CENTURY, _PIVOT = 100, 70
_TIME = (
    r"(?:[ T,]+(?:um\s+|à\s+|at\s+)?(?P<hour>\d{1,2})[:.h](?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<half>[AaPp])?\.?[Mm]?\.?(?:\s*(?:Uhr|h|UTC|GMT|Z))?)?"
)
# 31.05.2026, and with a blank or a point after each: 31. 5. 2026, 2026. 05. 31.
_DATE = re.compile(
    r"(?P<a>\d{1,4})(?P<sign>[./-])\s?(?P<b>\d{1,2})(?P=sign)\s?(?P<c>\d{1,4})\.?"
    rf"{_TIME}\Z"
)
# 28. November 2026, Sat 28 nov. 2026 10:15, 28 de novembro de 2026, November 28th, 2026, 28-Nov-26. A word has letters
# and marks: พ.ค., मई.
_WORD = r"[^\W\d_](?:[^\s\d,.-]|\.(?=[^\s\d])){1,14}"
_WORDED = re.compile(
    rf"(?:[^\W\d_]{{2,12}}\.?,?\s+)??(?:(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th|er|º|ª)?[\s-]*(?:de\s+|d')?(?P<month>{_WORD})"
    rf"|(?P<word>{_WORD})\.?\s+(?P<then>\d{{1,2}})(?:st|nd|rd|th)?)\.?,?[\s-]*(?:de\s+|del\s+|พ\.ศ\.\s*)?"
    r"(?P<year>\d{4}|\d\d(?=\Z))"
    rf"(?:\s*(?:[\u0433\u0440r]\.?))?{_TIME}\Z"
)
# 2026. május 31., as in Hungary.
_YEAR_FIRST = re.compile(rf"(?P<year>\d{{4}})\.?\s+(?P<month>{_WORD})\.?\s+(?P<day>\d{{1,2}})\.?{_TIME}\Z")
_VIETNAMESE = re.compile(
    rf"(?:ngày\s+)?(?P<day>\d{{1,2}})\s+tháng\s+(?P<month>\d{{1,2}}),?\s+(?:năm\s+)?(?P<year>\d{{4}}){_TIME}\Z",
    re.IGNORECASE,
)
# What a year of an era adds to.
_ERAS = {"": 0, "令和": 2018, "平成": 1988, "昭和": 1925, "民國": 1911, "民国": 1911}
_OF_EAST_ASIA = re.compile(
    rf"(?P<era>{'|'.join(_ERAS)[1:]})?\s?(?P<year>\d{{4}}|(?<=\D)(?:元|\d{{1,3}}))\s?[年년]\s?(?P<month>\d{{1,2}})\s?[月월]"
    rf"\s?(?P<day>\d{{1,2}})\s?[日일]{_TIME}\Z"
)
# Years of the Buddhist era, as Thailand counts them.
_BUDDHIST, _LATEST_BUDDHIST, _BEFORE_CHRIST = 2400, 2700, 543
_WEEKDAY = re.compile(r"[^\W\d_]{2,12}\.?,?\s+(?=\d)")
_AMOUNT = re.compile(r"(?P<minus>-?)(?P<digits>\d[\d.,]*)\Z")
_AROUND_AMOUNTS = re.compile(
    r"[\s'\u2019\u00a0\u202f]|[$\u00a2-\u00a5\u0e3f\u20a0-\u20cf\uffe0\uffe1\uffe5\uffe6]"
    r"|\b(?:[A-Z]{1,2}(?=\$)|[A-Z]{3})(?=[\s\d$.,-]|\Z)|(?<=\d)\s*[A-Z]{3}\Z"
    r"|\A(?:S?Fr|Rs|Rp|RM|R|S/|kr|Kč|din|TL)\.?(?=\s*-?\d)"
    r"|(?<=[\d\s.-])(?:kr|Kč|lei|Ft|TL|din|DM|S?Fr|euros?|Euros?|EURO|đ|zł|\u0440(?:\u0443\u0431)?|\u0433\u0440\u043d|лв|円|元|원|บาท)\.?\Z"
    r"|zł"
)
# What stands for no cents: 100,- and 1'500.-, 1.500,--, 1 500:-, 1,50,000/-
_NO_CENTS = re.compile(r"(?<=\d)[.,:/][-\u2013\u2014]{1,2}\Z")
_THOUSANDS = {",": ".", ".": ","}
_GROUP, _LAKH = 3, 2
# And, or.
_WORDS_BETWEEN = (
    r"(?:[/\\&\u2022\u00b7]|und|and|et|oder|or|ou|o|bzw\.|y|e|i|oraz|lub|a|nebo|és|vagy|ve|veya|și|sau|en|of|og|och|eller|ja|tai"
    r"|\u0438|или|\u0442\u0430|\u0430\u0431\u043e|και|ή|và|hoặc|และ|หรือ|أو|و|או)"
)
_SIGN_BETWEEN = r"\s*(?::::|[;,\n|\uff1b\uff0c\u3001\u060c])\s*"
_BETWEEN_ADDRESSES = re.compile(rf"{_SIGN_BETWEEN}|/(?=[^\s/@]+@)|\s+(?:(?:{_WORDS_BETWEEN}|\+)\s+)?(?=\S+@)")
_BETWEEN_NUMBERS = re.compile(rf"{_SIGN_BETWEEN}|\s+{_WORDS_BETWEEN}\s+|\s+(?:-\s+)?(?=\+\d)")
# With nothing but a stroke between them, which is also inside of numbers.
_TWO_NUMBERS = re.compile(r"\s*/\s*")
_LEAST_OF_TWO = 7
_BETWEEN_PAGES = re.compile(r"\s*(?::::|[;\n])\s*|,?\s+(?=https?://)")
# Whether something follows a blank is asked at each blank anew, so that long runs of them are made short ones.
_BLANKS = re.compile(r"[^\S\n]{20,}")
_BETWEEN_TAGS = re.compile(r"[;,\n\t|\uff1b\uff0c\u3001\u060c]|\s(?=#\w)")
# A tag in quotation marks, with such marks doubled in it, as CSV has them, or else behind a stroke, as programs write
# them, and what divides it from the next.
_QUOTED = {
    sign: [
        re.compile(rf"\s*{sign}({inside}){sign}\s*(?:[;,\n\t|\uff1b\uff0c\u3001\u060c]|\Z)", re.DOTALL)
        for inside in (rf"(?:[^{sign}]|{sign}{sign})*", rf"(?:[^{sign}\\]|{sign}{sign}|\\.)*")
    ]
    for sign in "\"'"
}
_BULLET = re.compile(r"\A[\u2022\u00b7*]\s+")
# A dash is one in a list of lines.
_DASH = re.compile(r"^-\s+", re.MULTILINE)
_NOTE = re.compile(r"\s+\([^()@]*\)\Z")
_NAMED_ADDRESS = re.compile(r"<\s*(?:mailto:)?([^<>\s@]+@[^<>\s@]+)\s*>", re.IGNORECASE)
# What people and programs write around an address: what it is of, brackets, quotation marks, and the end of a sentence.
_BEFORE_ADDRESS = re.compile(
    r"\A(?:[\s<\[({\"'\u2018\u201c\u201e\u00ab*\u2022]|[^\W\d_][\w .-]{0,20}:\s*(?=[^\s:@]+@|mailto:))+", re.IGNORECASE
)
_BEHIND_ADDRESS = re.compile(
    r"(?:\?(?:subject|body|cc|bcc)=.*|[\s>\])}\"'\u2019\u201d\u00bb.;,\u2022]{1,20})\Z", re.IGNORECASE | re.DOTALL
)
_PLAIN_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+\Z")
_SPREADSHEET_ERROR = re.compile(
    r"#(?:N/?[AVD]|REF!|BEZUG!|VALUE!|WERT!|VALEUR!|DIV/0!|NAME\?|NOM\s?\?|NULL!|NUM!|ZAHL!|ERROR!|FEHLER!|SPILL!|CALC!|#+)\Z",
    re.IGNORECASE,
)
_NO_VALUE = frozenset(("-", "--", "n/a", "n.a.", "none", "null", "nil", "?", "k.a.", "keine"))
# The group of all contacts and its like, which Google makes by itself.
_GOOGLE_S_OWN = frozenset(("mycontacts", "other contacts", "my contacts", "meine kontakte", "weitere kontakte"))
_LEAST_DIGITS = 5
_MARK = " ::: "


def says_nothing(text: str) -> bool:
    """Whether a cell holds what people write where there is nothing."""
    return text.lower() in _NO_VALUE


def is_spreadsheet_error(text: str) -> bool:
    """Whether a spreadsheet has written that it cannot show a value: #N/A, #REF!, or ##### for a column too narrow."""
    return _SPREADSHEET_ERROR.match(text) is not None


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
    text = text if text.isascii() else unicodedata.normalize("NFKC", text)
    moment = _iso(text) or _of_digits(_WEEKDAY.sub("", text, 1), form) or _worded(text)
    if moment is None:
        raise ValueError("This is no date that can be read; 2026-05-31, 31.05.2026 and 05/31/2026 14:30 can.")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _iso(text: str) -> datetime | None:
    if text[:4].isdigit():
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return None if moment.year >= _BUDDHIST else moment
    return None


def _worded(text: str) -> datetime | None:
    if (found := _OF_EAST_ASIA.match(text)) is not None:
        year = 1 if found["year"] == "元" else int(found["year"])
        return _moment(_ERAS[found["era"] or ""] + year, int(found["month"]), int(found["day"]), found)
    if (found := _VIETNAMESE.match(text)) is not None:
        return _moment(int(found["year"]), int(found["month"]), int(found["day"]), found)
    if (found := _YEAR_FIRST.match(text)) is not None:
        month = month_of(found["month"])
        return None if month is None else _moment(int(found["year"]), month, int(found["day"]), found)
    found = _WORDED.match(text)
    month = month_of(found["month"] or found["word"]) if found else None
    if found is None or month is None:
        return None
    return _moment(_whole_year(found["year"]), month, int(found["day"] or found["then"]), found)


def _whole_year(digits: str) -> int:
    """A year of which the century may be missing."""
    year = int(digits)
    return year + (0 if len(digits) > 2 else 1900 if year >= _PIVOT else 2000)  # noqa: PLR2004


def _moment(year: int, month: int, day: int, time: re.Match[str]) -> datetime:
    if _BUDDHIST <= year <= _LATEST_BUDDHIST:
        year -= _BEFORE_CHRIST
    hour = int(time["hour"] or 0)
    if time["half"]:
        hour = hour % 12 + (12 if time["half"] in "pP" else 0)
    try:
        return datetime(year, month, day, hour, int(time["minute"] or 0), int(time["second"] or 0), tzinfo=UTC)
    except ValueError:
        raise ValueError("There is no such day or time.") from None


def _of_digits(text: str, form: str | None) -> datetime | None:
    found = _DATE.match(text)
    if found is None:
        return None
    first, second, third = (int(found[name]) for name in "abc")
    if len(found["a"]) == 4:  # noqa: PLR2004  # The year.
        return _moment(first, second, third, found)
    day, month = _day_and_month(first, second, DAY_FIRST if found["sign"] == "." else form)
    return _moment(_whole_year(found["c"]), month, day, found)


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
    """An amount without its currency, in our digits, with what is below zero in front: 100,- and 12.50- are amounts."""
    text = text if text.isascii() else _in_our_digits(text)
    bare = _AROUND_AMOUNTS.sub("", text.strip()).replace("\u2212", "-").removeprefix("+")
    if (found := _NO_CENTS.search(bare)) is not None:
        before, mark = bare[: found.start()], found[0][0]
        # What stands before no cents tells what divides thousands: 1.500,-
        bare = f"{before}{mark}00" if mark in DECIMAL_MARKS and _THOUSANDS[mark] in before else before
    if bare[:1] in (",", "."):
        return f"0{bare}"
    return f"-{bare[:-1]}" if bare[-1:] == "-" and bare[:1] != "-" else bare


def _in_our_digits(text: str) -> str:
    """With the digits, and what Arabic has between them, as they are on other keyboards."""
    digits = "".join(str(unicodedata.decimal(sign, sign)) for sign in text)
    return digits.translate({0x066B: ".", 0x066C: ",", 0xFF0C: ",", 0xFF0E: "."})


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
    other = _THOUSANDS[mark or ","]
    whole, _, cents = digits.partition(mark) if mark else (digits, "", "")
    groups = whole.split(other)
    if other in cents or (mark and mark in cents) or not _are_groups(groups) or not whole:
        raise ValueError(f"This is no amount where cents come after {mark!r}.")
    return found["minus"] + "".join(groups) + (f".{cents}" if cents else "")


def _are_groups(groups: list[str]) -> bool:
    """Whether these are the groups of a number: of three digits each, or of two before the last, as India has them."""
    sizes = [len(group) for group in groups]
    return all(size == _GROUP for size in sizes[1:]) or (
        sizes[-1] == _GROUP and all(size == _LAKH for size in sizes[1:-1]) and sizes[0] <= _LAKH
    )


def can_be_read(parse: Callable[[str], object], text: str) -> bool:
    """Whether a text is what one of these reads, be it one that could be two."""
    try:
        parse(text)
    except ValueError as error:
        return "could be" in str(error)
    return True


def addresses_in(text: str) -> list[str]:
    """The e-mail addresses in a cell, without what is around them; what is none stays as it is, to be judged."""
    if _PLAIN_ADDRESS.match(text):
        return [text]
    text = _BLANKS.sub(" ", text)
    if "<" in text and (named := _NAMED_ADDRESS.findall(text)):
        return list(dict.fromkeys(named))
    if text.count("@") == 1 and _MARK not in text:
        return [_bare_address(text)]
    parts = (_bare_address(part) for part in _BETWEEN_ADDRESSES.split(text) if part and not part.endswith(":"))
    return list(dict.fromkeys(part for part in parts if part and not says_nothing(part)))


def _bare_address(text: str) -> str:
    """An address without what it is said to be, and without brackets and quotation marks; as it is if it is none."""
    bare = _BEHIND_ADDRESS.sub("", _BEFORE_ADDRESS.sub("", _NOTE.sub("", text)))
    return bare if "@" in bare else text


def numbers_in(text: str) -> list[str]:
    """The telephone numbers in a cell; one where not every piece of it could be a number."""
    text = _BLANKS.sub(" ", text)
    for between, least in ((_BETWEEN_NUMBERS, _LEAST_DIGITS), (_TWO_NUMBERS, _LEAST_OF_TWO)):
        parts = [part for part in between.split(text) if part]
        if len(parts) > 1 and all(sum(sign.isdigit() for sign in part) >= least for part in parts):
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
    if text[:1] + text[-1:] in ("[]", "{}"):  # A list as programs write it: ["Gold", "Fair"], {Gold,Fair}.
        text = text[1:-1].strip()
    if (":::" in text and text[:1] != '"') or text.startswith("* "):
        parts = [part.strip() for part in text.split(":::")]
        return _distinct(part.removeprefix("* ") for part in parts if part[2:].lower() not in _GOOGLE_S_OWN)
    if "\n" in text:
        text = _DASH.sub("", text)
    quote = next((sign for sign in "\"'" if text.startswith(sign) and sign in text[1:]), '"')
    if quote not in text:
        return _distinct(map(_unmarked, _BETWEEN_TAGS.split(text)))
    tags, at = [], 0
    while at < len(text):
        doubled, stroked = _QUOTED[quote]
        if (found := doubled.match(text, at)) is not None:
            tags.append(found[1].replace(quote * 2, quote))
            at = found.end()
        elif (found := stroked.match(text, at)) is not None:
            tags.append(found[1].replace(quote * 2, quote).replace(f"\\{quote}", quote))
            at = found.end()
        else:
            between = _BETWEEN_TAGS.search(text, at)
            end, following = between.span() if between else (len(text), len(text))
            tags.append(_unmarked(text[at:end]))
            at = following
    return _distinct(tags)


def _unmarked(part: str) -> str:
    """A tag without the sign that marks it as one; what is quoted is as somebody has written it."""
    return _BULLET.sub("", part.strip()).removeprefix("#")


def _distinct(parts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(tag for part in parts if (tag := part.strip())))
