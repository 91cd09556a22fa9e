"""What records are worth now: added up by currency, each with the rate of today."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Numeric, Select, Table, cast, func, select, true

from pipeline.queries.exchange_rates import rate_on
from pipeline.queries.reports.scope import BASE, TODAY


def sums_of(
    table: Table,
    value: str,
    keys: Sequence[ColumnElement[Any]],
    matching: Sequence[ColumnElement[bool]],
    *,
    is_open: ColumnElement[bool] | None = None,
) -> Select[Any]:
    """The records that match by `keys` and currency: their number, amounts, value and weighted, in per cent.

    Weighted is by each record's own probability, of those only that are open where some may not be. Those of one
    probability are added up first, and multiplied once.
    """
    amount = table.c[value]
    by = [key.label(f"key_{number}") for number, key in enumerate(keys)]
    if is_open is not None:
        by.append(is_open.label("is_open"))
    alike = (
        select(
            *by,
            table.c.currency,
            table.c.probability,
            func.count().label("number"),
            func.count(amount).label("amounts"),
            func.sum(amount).label("value"),
        )
        .where(*matching)
        .group_by(*by, table.c.currency, table.c.probability)
        .subquery("alike")
    )
    weighted = func.sum(alike.c.value * alike.c.probability)
    named = [alike.c[f"key_{number}"].label(key.key) for number, key in enumerate(keys)]
    return select(
        *named,
        alike.c.currency,
        cast(func.sum(alike.c.number), BigInteger).label("number"),
        cast(func.sum(alike.c.amounts), BigInteger).label("amounts"),
        func.sum(alike.c.value, type_=Numeric()).label("value"),
        (weighted if is_open is None else weighted.filter(alike.c.is_open)).label("weighted"),
    ).group_by(*named, alike.c.currency)


def with_rates(sums: Select[Any], *keys: str) -> Select[Any]:
    """Sums by currency, each with the rate of today: rows of the keys and what `Tally.add` takes."""
    # By itself: joined to stages before it is summed up, it would be summed up again for each of them.
    grouped = sums.cte("grouped").prefix_with("MATERIALIZED")
    held = rate_on(grouped.c.currency, BASE, TODAY)
    return select(
        *(grouped.c[key] for key in keys),
        grouped.c.currency,
        held.c.rate,
        held.c.valid_on,
        grouped.c.number,
        grouped.c.amounts,
        grouped.c.value,
        grouped.c.weighted,
    ).select_from(grouped.outerjoin(held, true()))
