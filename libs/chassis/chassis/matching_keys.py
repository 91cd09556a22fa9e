"""Keys by which the same person or company is recognised, however they were typed. Pure, no I/O."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import idna
import phonenumbers

SHORTEST_PHONE = 7
TAIL = 10
# A name without these is the same company's; they are taken from the end of a folded name alone.
_SUFFIXES = re.compile(
    r"(?: (?:inc|incorporated|corp|corporation|co|company|llc|llp|ltd|limited|plc|gmbh|ag|kg|ohg|ug|se|sa|sas|sarl"
    r"|srl|spa|bv|nv|ab|as|oy|aps|pty|kft|zrt|sro|lda)\.?)+$"
)
_DOMAIN = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/]*@)?(?:www\.)*([^/:?#\s]+\.[^/:?#\s]+)")
_NOT_LETTERS = re.compile(r"[^\w]+")


def matching_keys(values: Mapping[str, Any], region: str | None = None) -> dict[str, Any]:
    """The keys of those of email, phone, name, website and company_name that `values` has.

    `region` (ISO 3166-1 alpha-2) is where a number without a country code is from. A key that cannot be made is None.
    """
    keys: dict[str, Any] = {}
    if "email" in values:
        keys["email_norm"] = email_key(values["email"])
    if "phone" in values:
        keys["phone_e164"] = phone_key(values["phone"], region)
        keys["phone_tail"] = phone_tail(values["phone"])
    if "name" in values:
        keys["name_norm"] = name_key(values["name"])
    if "website" in values:
        keys["domain_norm"] = domain_key(values["website"])
    return keys


def email_key(email: str | None) -> str | None:
    """The address in lower case with its domain in ASCII. Dots and plus signs stay: they may be another person."""
    if not email:
        return None
    local, _, domain = email.strip().lower().rpartition("@")
    return f"{local}@{_ascii(domain)}"


def phone_key(phone: str | None, region: str | None = None) -> str | None:
    """The number in E.164, such as +4930123456; None when it cannot be told which number it is."""
    if not phone:
        return None
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def phone_tail(phone: str | None) -> str | None:
    """The last ten digits: what two spellings of a number share where the country is missing in one."""
    digits = re.sub(r"[^0-9]", "", phone or "")
    return digits[-TAIL:] if len(digits) >= SHORTEST_PHONE else None


def name_key(name: str | None) -> str | None:
    """The name without accents, case, punctuation and the forms of a company."""
    if not name:
        return None
    # Once more after casefold(), which composes anew what decomposes again.
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold())
    folded = "".join(character for character in decomposed if not unicodedata.combining(character))
    return _SUFFIXES.sub("", _NOT_LETTERS.sub(" ", folded).strip()) or None


def domain_key(website: str | None) -> str | None:
    """The host of a web address, without scheme, www and path, in ASCII."""
    found = _DOMAIN.match(website.strip().lower()) if website else None
    return _ascii(found[1]) if found else None


def _ascii(domain: str) -> str:
    """A domain as the DNS knows it; as it is where it is none."""
    try:
        return idna.encode(domain, uts46=True).decode() if not domain.isascii() else domain
    except idna.IDNAError:
        return domain
