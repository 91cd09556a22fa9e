"""What the texts in a column look like, for the fields of a catalogue. Pure."""

from imports.values import can_be_read, parse_amount, parse_moment

_LEAST_DIGITS = 3


def is_amount(text: str) -> bool:
    """Whether it is an amount, be it one that could be two."""
    return can_be_read(parse_amount, text)


def is_date(text: str) -> bool:
    """Whether it is a date or a moment, be it one that could be two."""
    return can_be_read(parse_moment, text)


def is_phone(text: str) -> bool:
    """Whether it may be a telephone number, however it is written."""
    return sum(sign.isdigit() for sign in text) >= _LEAST_DIGITS and "@" not in text and "://" not in text


def is_email(text: str) -> bool:
    """Whether it may be an e-mail address."""
    return "@" in text and "://" not in text
