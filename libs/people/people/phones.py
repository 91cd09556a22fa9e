"""Telephone numbers: what they are in E.164, their extensions, and what a spreadsheet has made of them."""

import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, ValidationResult

from people.texts import Fault, clean_line, trimmed, unguarded

SHORTEST_PHONE = 7
TAIL = 10
# Shorter ones than this are of an exchange or a service (110, 19222), unless the country's plan knows them.
_SHORTEST_FROM_ABROAD = 6
# With the sign before them: 15 digits and no more.
_LONGEST_E164 = 16
# With the code of the country, and nothing but digits and what divides them.
_PLAIN = re.compile(r"\+[1-9][0-9 ().-]*[0-9]")
# The countries of +1 dial 1 before numbers from elsewhere, and write it or not.
_ALSO_WITHOUT = frozenset(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1])
# 491713000001.0: a program has taken it for a number, and nothing is lost.
_WITH_FRACTION = re.compile(r"(\d{7,})[.,]0{1,2}")
# 4.91713E+12: a spreadsheet has taken it for a number, and its last digits are lost.
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?\s?[eE]\s?[+-]?\d+")
# +49 (0)30: who dials from abroad leaves the zero out.
_TRUNK = re.compile(r"(?<=\d)\s*\(0\)")
_NOT_DIGITS = re.compile(r"\D")
# What stands before an extension, the longer words first.
EXTENSION_WORDS = (
    *("extension", "extn", "ext", "durchwahl", "apparat", "klappe", "nebenstelle", "nbst", "nst", "app", "dw", "kl"),
    *("poste", "pte", "anexo", "interno", "ramal", "toestel", "tst", "anknytning", "ankn", "lokal", "lokalnummer"),
    *("extensión", "extensao", "extensão", "interior", "linje", "alanumero", "alanro", "sisäpuh", "vnitřní"),
    *("linka", "klapka", "mellék", "wewnętrzny", "wew", "dahili", "εσωτ", "добавочный", "доб", "вн", "שלוחה", "تحويلة"),
    *("内線", "내선", "转", "轉", "分机", "分機", "ต่อ", "máy lẻ", "tel. int", "int"),
)
_EXTENSION = re.compile(
    rf"\s*(?:[;,(\[（]?\s*(?:{'|'.join(map(re.escape, sorted(EXTENSION_WORDS, key=len, reverse=True)))})"
    r"\s*[.:=#-]?\s*[#:]?\s*|(?<=[\d)])\s*(?:x|×|#|~|\[|[,;](?=\s*\d{1,4}\s*\Z))\s*)(\d{1,9})\s*[)\]）]?\s*\Z",
    re.IGNORECASE,
)
# 4711-12, 4711/12: an extension, if the number is none with it.
_MAY_BE_EXTENSION = re.compile(r"(?<=\d)\s*[-/\u2013]\s*(\d{1,5})\s*\Z")
# With its sign. Hardly any number is longer, and those that seem to be have an extension behind them.
_LONGEST_USUAL = 14
# What somebody has noted beside a number: (privat), (mobile after 5).
_NOTE = re.compile(r"\s*\([^\d()]*[^\W\d_][^()]*\)\s*\Z")
# Most numbers have nothing of an extension, which is dear to look for.
_BEYOND_DIGITS = re.compile(r"[^\d\s()/+.-]")


# What somebody writes before a number that is looked for: Tel.: 030 123456.
_BEFORE_NUMBER = re.compile(
    r"\A(?:tel|telefon|telephone|phone|mobil|mobile|cell|handy|fax|cep|gsm|kom|тел|моб|τηλ|電話|电话|전화|โทร|هاتف|טל)"
    r"[.:\s]+(?=[+(\d])",
    re.IGNORECASE,
)


class Phone(NamedTuple):
    """What is known of a number: E.164 if it can be told, the last digits without the extension, and the extension."""

    e164: str | None
    tail: str | None
    extension: str | None


NONE = Phone(None, None, None)


def clean_phone(text: str) -> str:
    """A number as it was written, without what a spreadsheet put around or behind it.

    Raises Fault for one that a spreadsheet has shortened to scientific notation, and for control characters.
    """
    text = clean_line(unguarded(clean_line(text)))
    if (found := _WITH_FRACTION.fullmatch(text)) is not None:
        return found[1]
    if _SCIENTIFIC.fullmatch(text if text.isascii() else unicodedata.normalize("NFKC", text)):
        raise Fault("A spreadsheet has shortened this number: its last digits are lost. Format the column as text.")
    return text


def phone_of(phone: str | None, region: str | None = None) -> Phone:
    """What is known of a number. `region` (ISO 3166-1 alpha-2) is where one without a country code is from."""
    return _phone_of(phone, region) if phone else NONE


def phone_key(phone: str | None, region: str | None = None) -> str | None:
    """The number in E.164 without its extension; None when it cannot be told, or cannot be dialled from abroad."""
    return phone_of(phone, region).e164


def phone_tail(phone: str | None) -> str | None:
    """The last ten digits: what two spellings of a number share where the country is missing in one."""
    return phone_of(phone).tail


def extension_of(phone: str | None, e164: str | None = None) -> str | None:
    """The extension that a number is written with; one that is told by its place alone stands behind the `e164`."""
    if not phone:
        return None
    main, extension = _divided(phone)
    if extension is None and e164 is not None and (behind := _MAY_BE_EXTENSION.search(main)) is not None:
        before = _NOT_DIGITS.sub("", main[: behind.start()])
        if before.endswith(e164[-_SHORTEST_FROM_ABROAD:]):
            return _plain_extension(behind[1])
    return extension


def number_in(text: str) -> str | None:
    """The number that a text is with an extension behind it or a word before it; None for any other text."""
    if not _BEYOND_DIGITS.search(text):
        return None
    main, extension = _divided(text)
    number = _BEFORE_NUMBER.sub("", main)
    if (extension is None and number == text) or _BEYOND_DIGITS.search(number):
        return None
    return number.strip() if len(_NOT_DIGITS.sub("", number)) >= SHORTEST_PHONE else None


def same_phone(one: Phone, other: Phone) -> str | None:
    """How two numbers are the same: `phone_e164`, less surely `phone_tail`, or not at all (None).

    Two known numbers that differ are different, whatever their ends; so are two extensions behind one number. One
    without an extension may be the switchboard of one with it.
    """
    if one.extension and other.extension and one.extension != other.extension:
        return None
    if one.e164 and other.e164:
        if one.e164 != other.e164:
            return None
        return "phone_e164" if one.extension == other.extension else "phone_tail"
    return "phone_tail" if one.tail and one.tail == other.tail else None


@lru_cache(maxsize=2048)
def _phone_of(phone: str, region: str | None) -> Phone:
    text = unguarded(trimmed(phone))
    if _SCIENTIFIC.fullmatch(text):
        return NONE
    main, extension = _divided(text)
    e164 = _e164(main, region)
    if e164 is not None and len(e164) > _LONGEST_USUAL and region is not None:
        e164 = _without_plus(main, region) or e164
    if (e164 is None or len(e164) > _LONGEST_USUAL) and (behind := _MAY_BE_EXTENSION.search(main)) is not None:
        before = main[: behind.start()]
        if (shorter := _e164(before, region)) is not None and not _is_known(e164) and _is_known(shorter):
            main, e164, extension = before, shorter, _plain_extension(behind[1])
    digits = "".join(str(int(digit)) for digit in _NOT_DIGITS.sub("", _TRUNK.sub("", main)))
    # 0000000 and 999-9999999 stand where there is no number.
    if len(set(digits[-SHORTEST_PHONE:])) == 1 and not _is_known(e164):
        return NONE
    tail = digits[-TAIL:] if len(digits) >= SHORTEST_PHONE else None
    return Phone(e164, tail, extension if tail else None)


def _without_plus(text: str, region: str) -> str | None:
    """The number of a text that begins with the code of its country, as a spreadsheet leaves it: 491711234567."""
    digits = _NOT_DIGITS.sub("", text)
    is_whole = not text.startswith("+") and digits.startswith(str(phonenumbers.country_code_for_region(region)))
    return f"+{digits}" if is_whole and _is_known(f"+{digits}") else None


def _is_known(e164: str | None) -> bool:
    """Whether a number is one by the plan of its country, and not by its length alone."""
    return e164 is not None and phonenumbers.is_valid_number(phonenumbers.parse(e164))


def _plain_extension(text: str) -> str:
    return "".join(str(int(digit)) for digit in text).lstrip("0") or "0"


def _divided(text: str) -> tuple[str, str | None]:
    """A number, and the extension behind it."""
    if not _BEYOND_DIGITS.search(text):
        return text, None
    if (found := _EXTENSION.search(text)) is not None:
        return text[: found.start()], _plain_extension(found[1])
    return _NOTE.sub("", text), None


def _e164(text: str, region: str | None) -> str | None:
    return _plain_e164(text) or _parsed_e164(text, region)


def _plain_e164(text: str) -> str | None:
    """The number, in a tenth of the time, where its country's code and its length leave nothing to be parsed."""
    if _PLAIN.fullmatch(text) is None:
        return None
    digits = _NOT_DIGITS.sub("", text)
    plan = next((plan for size in (1, 2, 3) if (plan := _plan_of(digits[:size])) is not None), None)
    if plan is None:
        return None
    code, lengths, prefix = plan
    national = digits[code:]
    if len(national) not in lengths or national.startswith("0") or (prefix is not None and prefix.match(national)):
        return None
    return f"+{digits}" if len(digits) < _LONGEST_E164 else None


@lru_cache(maxsize=1024)
def _plan_of(code: str) -> tuple[int, frozenset[int], re.Pattern[str] | None] | None:
    """Of a country's code how long it is, how long numbers behind it are, and what some of these begin with at home."""
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(code))
    plan = phonenumbers.PhoneMetadata.metadata_for_region(regions[0], None) if regions else None
    if plan is None or plan.general_desc is None:
        return None
    lengths = frozenset(length for length in plan.general_desc.possible_length if length >= _SHORTEST_FROM_ABROAD)
    prefix = plan.national_prefix_for_parsing
    return len(code), lengths, re.compile(prefix) if prefix else None


def _parsed_e164(text: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    short = len(str(number.national_number)) < _SHORTEST_FROM_ABROAD
    if (short or _is_local(text, region)) and not phonenumbers.is_valid_number(number):
        return None
    found = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return found if len(found) <= _LONGEST_E164 else None


def _is_local(text: str, region: str | None) -> bool:
    """Whether a number of a country where those from elsewhere begin with a sign (0) does not begin with it."""
    if region is None or region in _ALSO_WITHOUT or text.startswith("+"):
        return False
    prefix: str | None = phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
    return bool(prefix) and not _NOT_DIGITS.sub("", text).startswith(prefix or "")
