"""What there is now: leads by stage, deals by stage, and the forecast."""

from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)

from chassis.db.session import Session
from chassis.db.statements import of_tenant
from pipeline.models import deal_stages, deals, lead_stages, leads
from pipeline.queries.reports.closed import closed_sums
from pipeline.queries.reports.scope import (
    FIRST,
    LAST,
    PIPELINE,
    TODAY,
    Narrowing,
    Scope,
    Statement,
    by_narrowing,
    of_deals,
    of_leads,
    open_now,
)
from pipeline.queries.reports.sums import Tally
from pipeline.queries.reports.worth import sums_of, with_rates

CATEGORIES = ("pipeline", "best_case", "commit", "closed", "omitted")


def _open_sums(narrowing: Narrowing, *keys: ColumnElement[Any]) -> Select[Any]:
    """The open deals of a pipeline by `keys` and currency."""
    return sums_of(deals, "deal_value", keys, (*of_deals(narrowing), open_now(), deals.c.pipeline_id == PIPELINE))


@by_narrowing
def _lead_stages(narrowing: Narrowing) -> Statement:
    live = (*of_leads(narrowing), leads.c.archived_at.is_(None))
    is_open = leads.c.closed_at.is_(None)
    sums = with_rates(
        sums_of(leads, "estimated_value", (leads.c.stage_id,), live, is_open=is_open), "stage_id"
    ).subquery("sums")
    stages = select(lead_stages).where(of_tenant(lead_stages)).subquery("stages")
    return (
        select(
            stages.c.id,
            stages.c.name,
            stages.c.lead_status,
            stages.c.order_index,
            stages.c.is_active,
            *list(sums.c)[1:],
        )
        # Full: leads without a stage are shown under none, and stages without leads are shown empty.
        .select_from(stages.outerjoin(sums, sums.c.stage_id == stages.c.id, full=True))
        .where(or_(stages.c.is_active, sums.c.number.is_not(None)))
        .order_by(stages.c.order_index, stages.c.id)
    )


def report_lead_pipeline(session: Session, scope: Scope) -> dict[str, Any]:
    """The live leads by stage; those that are closed weigh nothing any more."""
    stages: dict[int | None, tuple[dict[str, Any], Tally]] = {}
    for stage_id, name, lead_status, order_index, is_active, *sums in scope.fetch(
        session, _lead_stages, "base", "today"
    ):
        stage = {
            "stage_id": stage_id,
            "stage_name": name,
            "lead_status": lead_status,
            "order_index": order_index,
            "is_active": is_active,
        }
        _, tally = stages.setdefault(stage_id, (stage, Tally(scope.base)))
        tally.add(sums)
    total = Tally(scope.base)
    rows = []
    for stage, tally in stages.values():
        total.include(tally)
        figures = tally.shown(weighted=stage["lead_status"] not in ("converted", "lost"))
        rows.append(stage | {"lead_count": figures.pop("count"), "total_value": figures.pop("value")} | figures)
    return scope.answer({"stages": rows, "total": total.shown()}, total)


@by_narrowing
def _deal_stages(narrowing: Narrowing) -> Statement:
    held = with_rates(_open_sums(narrowing, deals.c.stage_id), "stage_id")
    over = closed_sums(narrowing, deals.c.stage_id)
    sums = union_all(held, over).subquery("sums")
    return (
        select(
            deal_stages.c.id,
            deal_stages.c.code,
            deal_stages.c.name,
            deal_stages.c.kind,
            deal_stages.c.probability,
            deal_stages.c.order_index,
            deal_stages.c.is_active,
            *list(sums.c)[1:],
        )
        .select_from(deal_stages.outerjoin(sums, sums.c.stage_id == deal_stages.c.id))
        .where(
            of_tenant(deal_stages),
            deal_stages.c.pipeline_id == PIPELINE,
            or_(deal_stages.c.is_active, sums.c.number.is_not(None)),
        )
        .order_by(deal_stages.c.order_index, deal_stages.c.id)
    )


def report_deal_pipeline(session: Session, scope: Scope) -> dict[str, Any]:
    """The open deals by stage, and beside them what was won and lost in the window."""
    stages: dict[int, tuple[dict[str, Any], Tally]] = {}
    found = scope.fetch(session, _deal_stages, "pipeline_id", "base", "today", "start", "end")
    for stage_id, code, name, kind, probability, order_index, is_active, *sums in found:
        stage = {
            "stage_id": stage_id,
            "code": code,
            "stage_name": name,
            "kind": kind,
            "probability": probability,
            "order_index": order_index,
            "is_active": is_active,
        }
        _, tally = stages.setdefault(stage_id, (stage, Tally(scope.base)))
        tally.add(sums)
    totals = {kind: Tally(scope.base) for kind in ("open", "won", "lost")}
    for stage, tally in stages.values():
        totals[stage["kind"]].include(tally)
    figures = {
        "stages": [stage | tally.shown(weighted=stage["kind"] == "open") for stage, tally in stages.values()],
        "open": totals["open"].shown(),
        "won": totals["won"].outcome(),
        "lost": totals["lost"].outcome(),
    }
    return scope.answer(figures, *totals.values())


_MONTH = "YYYY-MM"
# Where an open deal stands in the forecast: none of these is a month.
OVERDUE, OUTSIDE, UNDATED = "overdue", "outside", "none"


@by_narrowing
def _forecast(narrowing: Narrowing) -> Statement:
    by_day = (
        _open_sums(narrowing, deals.c.stage_id, deals.c.expected_close_date).cte("by_day").prefix_with("MATERIALIZED")
    )
    day = by_day.c.expected_close_date
    place = case(
        (day.is_(None), UNDATED),
        (day < TODAY, OVERDUE),
        (and_(day >= FIRST, day <= LAST), func.to_char(day, _MONTH)),
        else_=OUTSIDE,
    ).label("place")
    keys = (deal_stages.c.forecast_category, cast(place, String).label("place"), by_day.c.currency)
    held = (
        select(
            *keys,
            cast(func.sum(by_day.c.number), BigInteger).label("number"),
            cast(func.sum(by_day.c.amounts), BigInteger).label("amounts"),
            func.sum(by_day.c.value).label("value"),
            func.sum(by_day.c.weighted).label("weighted"),
        )
        .select_from(by_day.join(deal_stages, deal_stages.c.id == by_day.c.stage_id))
        .where(of_tenant(deal_stages))
        .group_by(*keys)
    )
    expected = with_rates(held, "forecast_category", "place")
    # The day of closing was written in the zone of then, so the instants of the window do not say it all.
    won_on = deals.c.actual_close_date
    won = closed_sums(
        narrowing,
        won_on,
        more=(deals.c.status == "won", won_on >= FIRST, won_on <= LAST),
        slack=timedelta(days=2),
    ).subquery("won")
    month = func.to_char(won.c.actual_close_date, _MONTH)
    both = union_all(expected, select(literal("won", String), month, *list(won.c)[1:]))
    return select(both.subquery("forecast"))


def report_forecast(session: Session, scope: Scope) -> dict[str, Any]:
    """The open deals by the month that they are expected in, and beside them what was won in these months."""
    months = [f"{month:%Y-%m}" for month in scope.days.months]
    expected = {place: _Expected(scope.base) for place in (OVERDUE, *months, OUTSIDE, UNDATED)}
    won = {month: Tally(scope.base) for month in months}
    found = scope.fetch(session, _forecast, "pipeline_id", "base", "today", "first", "last", "start", "end")
    for category, place, *sums in found:
        tally = won[place] if category == "won" else expected[place].by_category[category]
        tally.add(sums)
    everything, all_won = _Expected(scope.base), Tally(scope.base)
    for part in expected.values():
        everything.include(part)
    for tally in won.values():
        all_won.include(tally)
    figures = {
        "months": [{"month": month, **expected[month].shown(), "won": won[month].outcome()} for month in months],
        "overdue": expected[OVERDUE].shown(),
        "outside": expected[OUTSIDE].shown(),
        "none": expected[UNDATED].shown(),
        "total": everything.shown() | {"won": all_won.outcome()},
    }
    return scope.answer(figures, everything.total, all_won)


class _Expected:
    """Open deals of one place in the forecast, by category."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.by_category = {category: Tally(base) for category in CATEGORIES}

    @property
    def total(self) -> Tally:
        total = Tally(self.base)
        for tally in self.by_category.values():
            total.include(tally)
        return total

    def include(self, other: "_Expected") -> None:
        for category, tally in other.by_category.items():
            self.by_category[category].include(tally)

    def shown(self) -> dict[str, Any]:
        by_category = {category: tally.shown() for category, tally in self.by_category.items() if tally.count}
        return self.total.shown() | {"by_category": by_category}
