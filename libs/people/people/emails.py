"""E-mail addresses by RFC 5321, 5322 and 6531, with domains by IDNA, and the key of a mailbox."""

import re
import unicodedata
from functools import lru_cache

import idna

from people.texts import Fault, trimmed

# In octets: RFC 5321, 4.5.3.1.1 and 4.5.3.1.3 (without the angle brackets).
LONGEST_LOCAL_PART = 64
LONGEST_EMAIL = 254
# What most addresses are, so that they need no look at the rules for all others: a dot-atom, and labels of a host that
# ends in one of letters.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"(?!xn--|[A-Za-z0-9-]{2}--)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_USUAL = re.compile(rf"(?=[^@]{{1,64}}@){_ATEXT}(?:\.{_ATEXT})*@(?:{_LABEL}\.)+[A-Za-z]{{2,63}}")
_NO_ADDRESS = "This is no e-mail address."
# What nobody sees, and is inside of addresses that were copied from pages. The joiners are letters of some domains.
_UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
# As keyboards of East Asia write them, and the dots that IDNA takes for one (RFC 3490, 3.1).
_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3002: ".", 0xFF61: "."}


def clean_email(text: str) -> str:
    """The address as it was written, composed, without blanks around it and unseen signs. Raises Fault for none."""
    text = trimmed(text)
    if len(text) <= LONGEST_EMAIL and _USUAL.fullmatch(text):
        return text
    text = _as_typed(text)
    local, _, domain = text.rpartition("@")
    if len(local.encode(errors="replace")) > LONGEST_LOCAL_PART or len(text.encode(errors="replace")) > LONGEST_EMAIL:
        raise Fault(_NO_ADDRESS)
    # Few addresses need it, and its patterns take longer to compile than all of ours.
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # See above.

    try:
        # Whether anybody gets mail there is not asked: no network, and domains for tests are domains.
        validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise Fault(_NO_ADDRESS) from None
    last = domain.rpartition(".")[2]
    if "." not in domain or domain.startswith("[") or last.isdigit() or len(last) < 2:  # noqa: PLR2004
        raise Fault(_NO_ADDRESS)
    return text


def is_email(text: str) -> bool:
    """Whether the text is one address and nothing else."""
    try:
        return bool(clean_email(text))
    except Fault:
        return False


def _as_typed(text: str) -> str:
    """What somebody meant to type: composed, in signs of usual width, and nothing that is not seen."""
    return unicodedata.normalize("NFC", _UNSEEN.sub("", text).translate(_WIDE))


def email_key(email: str | None) -> str | None:
    """The mailbox: in small letters, with its domain in ASCII. Dots and plus signs stay: they may be another person."""
    if not email:
        return None
    email = trimmed(email)
    if not email:
        return None
    if email.isascii() and "xn--" not in email:
        return email.lower()
    local, _, domain = _as_typed(email).rpartition("@")
    return f"{unicodedata.normalize('NFC', local.casefold())}@{ascii_domain(domain)}"


@lru_cache(maxsize=4096)
def ascii_domain(domain: str) -> str:
    """A domain as the DNS knows it, in small letters; as it is where it is none."""
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode().lower()
    except idna.IDNAError:
        return domain.lower()
