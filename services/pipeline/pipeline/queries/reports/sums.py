"""Sums of money in many currencies: exact until they are printed, and what has no rate kept apart."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from pipeline.rules.money import EXACT, money

# Rates of closed deals may be as many as there are days; the newest say enough.
MOST_RATES = 500
_NOTHING = Decimal(0)
_PER_CENT = Decimal(100)

Rate = tuple[str, Decimal, date]


@dataclass(slots=True)
class Amounts:
    """Amounts of one currency: how many, and their sum."""

    count: int = 0
    value: Decimal = _NOTHING


@dataclass(slots=True)
class Tally:
    """Records counted and their amounts added up, in their own currencies and in the base.

    An amount without a rate is in no sum of the base, neither at 1 nor at 0; its record is counted all the same.
    """

    base: str
    count: int = 0
    value: Decimal = _NOTHING
    weighted: Decimal = _NOTHING
    converted: int = 0
    by_currency: dict[str, Amounts] = field(default_factory=dict)
    unconverted: dict[str, Amounts] = field(default_factory=dict)
    rates: set[Rate] = field(default_factory=set)

    def add(self, row: Sequence[Any]) -> None:
        """Add what a statement has summed up: currency, rate and its day, records, amounts, value, weighted.

        Of the records some may have no amount; weighted is in per cent. A stage without records has a row of nulls.
        """
        currency, rate, valid_on, count, amounts, value, weighted = row
        if count is None:
            return
        self.count += count
        if value is None or not amounts:
            return
        _add(self.by_currency, currency, amounts, value)
        if currency == self.base:
            rate = Decimal(1)
        elif rate is None or valid_on is None:
            _add(self.unconverted, currency, amounts, value)
            return
        else:
            self.rates.add((currency, rate, valid_on))
        self.converted += amounts
        self.value = EXACT.fma(value, rate, self.value)
        if weighted is not None:
            self.weighted = EXACT.fma(EXACT.divide(weighted, _PER_CENT), rate, self.weighted)

    def include(self, other: "Tally") -> None:
        """Add all that another one of the same base has: a total is rounded from exact sums, not from printed rows."""
        self.count += other.count
        self.converted += other.converted
        self.value = EXACT.add(self.value, other.value)
        self.weighted = EXACT.add(self.weighted, other.weighted)
        for mine, theirs in ((self.by_currency, other.by_currency), (self.unconverted, other.unconverted)):
            for currency, amounts in theirs.items():
                _add(mine, currency, amounts.count, amounts.value)
        self.rates |= other.rates

    def shown(self, *, weighted: bool = True) -> dict[str, Any]:
        """The figures as they are printed; without `weighted` there is nothing to expect of them any more."""
        return {
            "count": self.count,
            "value": money(self.value, self.base),
            "weighted": money(self.weighted, self.base) if weighted else None,
            "values": _shown(self.by_currency),
            "unconverted": _shown(self.unconverted),
        }

    def outcome(self) -> dict[str, Any]:
        """The figures of what is closed."""
        figures = self.shown(weighted=False)
        del figures["weighted"]
        return figures


def shown_rates(*tallies: Tally) -> list[dict[str, Any]]:
    """The rates that the sums were made with, the newest of a currency first."""
    used = sorted(set[Rate]().union(*(tally.rates for tally in tallies)), key=lambda rate: rate[2], reverse=True)
    newest = sorted(used[:MOST_RATES], key=lambda rate: (rate[0], -rate[2].toordinal(), rate[1]))
    return [{"currency": currency, "rate": str(rate), "valid_on": str(day)} for currency, rate, day in newest]


def _add(sums: dict[str, Amounts], currency: str, count: int, value: Decimal) -> None:
    amounts = sums.setdefault(currency, Amounts())
    amounts.count += count
    amounts.value = EXACT.add(amounts.value, value)


def _shown(sums: dict[str, Amounts]) -> list[dict[str, Any]]:
    return [
        {"currency": currency, "count": amounts.count, "value": money(amounts.value, currency)}
        for currency, amounts in sorted(sums.items())
    ]
