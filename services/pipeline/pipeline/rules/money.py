"""Money: which currencies there are, how fine their amounts may be, and how figures are rounded. Pure, no I/O."""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from iso4217 import Currency

from chassis.errors import FieldError, Invalid

# Columns keep two decimals, whatever finer units a currency has.
STORED_DIGITS = 2
_SHARE = Decimal("0.0001")
_DAY = Decimal(24 * 60 * 60)
_DAYS = Decimal("0.01")
# A sum of amounts times a rate times a share has more digits than Python's context of 28 holds; nothing may be rounded
# before the figure is printed.
EXACT = Context(prec=120, rounding=ROUND_HALF_EVEN)

MINOR_UNITS = {currency.code: currency.exponent for currency in Currency if currency.exponent is not None}
"""The codes in use with the digits of their minor units (ISO 4217, list one); metals and testing codes have none."""


def minor_unit(currency: str) -> int:
    """The decimals of a currency; two of one that ISO 4217 does not know any more, as records may outlive it."""
    return MINOR_UNITS.get(currency, STORED_DIGITS)


def refuse_currency(currency: str, pointer: str = "/currency") -> None:
    """Raise Invalid for what is no currency in use."""
    if currency not in MINOR_UNITS:
        detail = "This is no currency in use (ISO 4217)."
        raise Invalid("unknown_currency", detail, (FieldError(pointer, "unknown_currency", detail),))


def refuse_amount(amount: str, currency: str, pointer: str) -> None:
    """Raise Invalid for an amount that is finer than the minor unit of its currency: there is no half a yen."""
    digits = minor_unit(currency)
    _, _, fraction = amount.partition(".")
    if len(fraction.rstrip("0")) > digits:
        detail = f"An amount in {currency} has at most {digits} decimals."
        raise Invalid("invalid_amount", detail, (FieldError(pointer, "invalid_amount", detail),))


def money(amount: Decimal, currency: str) -> str:
    """An amount as it is printed: rounded once, half to even, to the minor unit, with the two decimals of records."""
    digits = minor_unit(currency)
    rounded = amount.quantize(Decimal(1).scaleb(-digits), context=EXACT)
    return f"{rounded:.{max(digits, STORED_DIGITS)}f}"


def share(part: Decimal | int, whole: Decimal | int) -> str | None:
    """A share with four decimals; None of nothing."""
    return f"{ratio.quantize(_SHARE, context=EXACT):f}" if (ratio := quotient(part, whole)) is not None else None


def days(seconds: Decimal | None) -> str | None:
    """A time in days with two decimals."""
    if seconds is None:
        return None
    return f"{EXACT.divide(seconds, _DAY).quantize(_DAYS, context=EXACT):f}"


def quotient(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """One by the other, as exact as it gets; None where there is nothing to divide by."""
    return EXACT.divide(Decimal(part), Decimal(whole)) if whole else None
