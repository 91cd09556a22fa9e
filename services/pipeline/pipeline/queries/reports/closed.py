"""Closed deals added up: each at the rate that was stored when it closed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Interval, Numeric, Select, and_, case, cast, func, null, or_, select, true

from pipeline.models import deals
from pipeline.queries.exchange_rates import rate_on
from pipeline.queries.reports.scope import BASE, END, PIPELINE, START, Narrowing, happened, of_deals


def closed_in_window(narrowing: Narrowing, slack: timedelta = timedelta()) -> Sequence[ColumnElement[bool]]:
    """That a deal of the pipeline was closed in the window, or so shortly before or after it, and counts."""
    return (
        *of_deals(narrowing),
        deals.c.closed_at >= (START - cast(slack, Interval) if slack else START),
        deals.c.closed_at < (END + cast(slack, Interval) if slack else END),
        deals.c.pipeline_id == PIPELINE,
        happened(),
    )


def closed_sums(
    narrowing: Narrowing,
    *keys: ColumnElement[Any],
    sums: Sequence[ColumnElement[Any]] = (),
    more: Sequence[ColumnElement[bool]] = (),
    slack: timedelta = timedelta(),
    source: Any = deals,
    name: str = "closed",
) -> Select[Any]:
    """What was closed in the window by `keys`, currency and rate: rows of the keys, what `Tally.add` takes, and `sums`.

    The rate is the stored one while its base is still the company's, else that of the day of closing.
    """
    has_base = deals.c.currency == BASE
    is_stored = and_(~has_base, func.coalesce(deals.c.close_rate_base, "") == BASE)
    by = (
        *keys,
        deals.c.currency,
        case((is_stored, deals.c.close_rate)).label("stored"),
        case((is_stored, deals.c.close_rate_date)).label("stored_on"),
        # Of a day and a currency the rate is looked up once, and not for each deal.
        case((or_(has_base, is_stored), null()), else_=deals.c.actual_close_date).label("day"),
    )
    grouped = (
        select(
            *by,
            func.count().label("number"),
            func.sum(deals.c.deal_value).label("value"),
            *sums,
        )
        .select_from(source)
        .where(*closed_in_window(narrowing, slack), *more)
        .group_by(*by)
        .cte(name)
        .prefix_with("MATERIALIZED")
    )
    held = rate_on(grouped.c.currency, BASE, grouped.c.day)
    return select(
        *list(grouped.c)[: len(keys)],
        grouped.c.currency,
        func.coalesce(grouped.c.stored, held.c.rate).label("rate"),
        func.coalesce(grouped.c.stored_on, held.c.valid_on).label("valid_on"),
        grouped.c.number,
        grouped.c.number.label("amounts"),
        grouped.c.value,
        cast(null(), Numeric).label("weighted"),
        *list(grouped.c)[len(by) + 2 :],
    ).select_from(grouped.outerjoin(held, true()))
