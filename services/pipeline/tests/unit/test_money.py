"""Currencies, amounts and rounding."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Invalid
from pipeline.rules.money import MINOR_UNITS, days, minor_unit, money, refuse_amount, refuse_currency, share


def test_currencies_are_those_in_use():
    assert {"USD", "EUR", "JPY", "KWD", "CHF", "XOF"} <= MINOR_UNITS.keys()
    # Gone, metals, and codes for tests.
    assert not {"DEM", "HRK", "XAU", "XTS", "XXX", "XDR"} & MINOR_UNITS.keys()
    assert (MINOR_UNITS["USD"], MINOR_UNITS["JPY"], MINOR_UNITS["KWD"]) == (2, 0, 3)
    assert minor_unit("DEM") == 2


@pytest.mark.parametrize("currency", ["DEM", "usd", "XTS", "ABC"])
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(Invalid) as refused:
        refuse_currency(currency)
    assert refused.value.code == "unknown_currency"
    assert refused.value.errors[0].pointer == "/currency"


@pytest.mark.parametrize(("amount", "currency"), [("10.50", "JPY"), ("0.01", "KRW"), ("1.001", "USD")])
def test_an_amount_finer_than_its_currency_is_refused(amount, currency):
    with pytest.raises(Invalid) as refused:
        refuse_amount(amount, currency, "/deal_value")
    assert refused.value.code == "invalid_amount"


@pytest.mark.parametrize(("amount", "currency"), [("10", "JPY"), ("10.00", "JPY"), ("10.5", "USD"), ("0.125", "KWD")])
def test_an_amount_as_fine_as_its_currency_is_taken(amount, currency):
    refuse_amount(amount, currency, "/deal_value")


@pytest.mark.parametrize(
    ("amount", "currency", "printed"),
    [
        ("2100.525", "USD", "2100.52"),
        ("2100.535", "USD", "2100.54"),
        ("166.665", "USD", "166.66"),
        ("0.5", "JPY", "0.00"),
        ("1.5", "JPY", "2.00"),
        ("2.5", "JPY", "2.00"),
        ("0.0005", "KWD", "0.000"),
        ("0.0015", "KWD", "0.002"),
        ("0", "USD", "0.00"),
    ],
)
def test_money_is_rounded_half_to_even(amount, currency, printed):
    assert money(Decimal(amount), currency) == printed


AMOUNTS = st.decimals(min_value=0, max_value=10**30, places=14, allow_nan=False)


@given(AMOUNTS, st.sampled_from(["USD", "JPY", "KWD"]))
def test_the_printed_figure_is_the_nearest_and_even_where_two_are(amount, currency):
    step = Fraction(1, 10 ** MINOR_UNITS[currency])
    steps = Fraction(money(amount, currency)) / step
    assert steps.denominator == 1
    distance = abs(Fraction(amount) - steps * step)
    assert distance < step / 2 or (distance == step / 2 and steps.numerator % 2 == 0)


def test_shares_and_days():
    assert share(3, 4) == "0.7500"
    assert share(2, 3) == "0.6667"
    assert share(0, 4) == "0.0000"
    assert share(1, 0) is None
    assert days(Decimal(86400) * 6) == "6.00"
    assert days(Decimal(518832)) == "6.00"  # 6.005 days: half to even.
    assert days(None) is None
