"""What history tells: the funnel, the time spent in stages, and the deals that slipped."""

from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    String,
    and_,
    any_,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)

from chassis.db.session import Session
from chassis.db.statements import of_tenant
from pipeline.models import close_date_history, deal_stages, deals, stage_history
from pipeline.queries.reports.outcomes import durations
from pipeline.queries.reports.scope import (
    END,
    FIRST,
    LAST,
    NOW,
    PIPELINE,
    START,
    UNTIL,
    Narrowing,
    Scope,
    Statement,
    by_narrowing,
    covers,
    durations_of,
    happened,
    of_deals,
    open_now,
)
from pipeline.rules.money import days, quotient, share

_OF_DEAL = and_(stage_history.c.company_id == deals.c.company_id, stage_history.c.deal_id == deals.c.id)
_STAGE = ("stage_id", "code", "stage_name", "kind", "order_index", "is_active")
_STAGE_COLUMNS = (
    deal_stages.c.id,
    deal_stages.c.code,
    deal_stages.c.name,
    deal_stages.c.kind,
    deal_stages.c.order_index,
    deal_stages.c.is_active,
)


def _sum_of(number: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.sum(number), BigInteger).label(number.key)


@by_narrowing
def _funnel(narrowing: Narrowing) -> Statement:
    cohort = (
        select(deals.c.id, deals.c.status)
        .where(
            *of_deals(narrowing),
            deals.c.created_at >= START,
            deals.c.created_at < END,
            deals.c.pipeline_id == PIPELINE,
            happened(),
        )
        .cte("cohort")
    )
    stages = (
        select(*_STAGE_COLUMNS)
        .where(of_tenant(deal_stages), deal_stages.c.pipeline_id == PIPELINE, deal_stages.c.kind != "lost")
        .cte("stages")
    )
    been_in = (
        select(stage_history.c.to_stage_id)
        .where(of_tenant(stage_history), stage_history.c.deal_id == cohort.c.id, ~stage_history.c.administrative)
        .order_by(stage_history.c.entered_at, stage_history.c.id)
        .correlate(cohort)
    )
    each = select(cohort.c.status, func.array(been_in.scalar_subquery()).label("been_in")).subquery("each")
    # Most deals go one of a few ways: what follows goes by these, and not by each deal.
    alike = (
        select(each.c.status, each.c.been_in, func.count().label("deals"))
        .group_by(each.c.status, each.c.been_in)
        .cte("alike")
        .prefix_with("MATERIALIZED")
    )
    was_in = stages.c.id == any_(alike.c.been_in)
    entered = (
        select(stages.c.id, _sum_of(alike.c.deals))
        .join_from(stages, alike, was_in)
        .group_by(stages.c.id)
        .subquery("entered")
    )
    last = select(func.max(stages.c.order_index)).where(was_in).correlate(alike).scalar_subquery()
    furthest = select(last.label("order_index"), alike.c.deals).subquery("furthest")
    ended = select(furthest.c.order_index, _sum_of(furthest.c.deals)).group_by(furthest.c.order_index).subquery("ended")
    return (
        select(
            *stages.c,
            func.coalesce(entered.c.deals, 0),
            func.coalesce(ended.c.deals, 0),
            select(func.coalesce(_sum_of(alike.c.deals), 0)).scalar_subquery(),
            select(func.coalesce(_sum_of(alike.c.deals), 0)).where(alike.c.status == "lost").scalar_subquery(),
        )
        .select_from(
            stages.outerjoin(entered, entered.c.id == stages.c.id).outerjoin(
                ended, ended.c.order_index == stages.c.order_index
            )
        )
        .where(or_(stages.c.is_active, entered.c.deals > 0))
        .order_by(stages.c.order_index, stages.c.id)
    )


def report_funnel(session: Session, scope: Scope) -> dict[str, Any]:
    """How far the deals got that were created in the window.

    A stage is reached by who entered it or a later one, so that one who skips it does not make the next look better.
    """
    found = scope.fetch(session, _funnel, "pipeline_id", "start", "end")
    rows: list[dict[str, Any]] = []
    reached = 0
    for *stage, entered, ended, _, _ in reversed(found):
        reached += ended
        rows.append(
            dict(zip(_STAGE, stage, strict=True)) | {"entered": entered, "reached": reached, "conversion": None}
        )
    rows.reverse()
    for stage, following in pairwise(rows):
        stage["conversion"] = share(following["reached"], stage["reached"])
    deals_created, lost = found[0][-2:] if found else (0, 0)
    return scope.answer({"deals": deals_created, "lost": lost, "stages": rows})


@by_narrowing
def _stage_durations(narrowing: Narrowing) -> Statement:
    def times(kind: str, span: ColumnElement[Any], *where: ColumnElement[bool]) -> Select[Any]:
        return (
            select(
                stage_history.c.to_stage_id.label("stage_id"),
                literal(kind, String).label("times"),
                func.count().label("number"),
                *durations_of(span),
            )
            .select_from(stage_history.join(deals, _OF_DEAL))
            .where(
                of_tenant(stage_history),
                stage_history.c.pipeline_id == PIPELINE,
                stage_history.c.to_kind == "open",
                ~stage_history.c.administrative,
                *where,
                *of_deals(narrowing),
            )
            .group_by(stage_history.c.to_stage_id)
        )

    left_at = stage_history.c.left_at
    left = times("left", left_at - stage_history.c.entered_at, left_at >= START, left_at < END, happened())
    still = times("still", NOW - stage_history.c.entered_at, left_at.is_(None), open_now())
    # By itself: joined to stages before it is summed up, it would be summed up again for each of them.
    spent = union_all(left, still).cte("spent").prefix_with("MATERIALIZED")
    return (
        select(*_STAGE_COLUMNS, *list(spent.c)[1:])
        .select_from(deal_stages.outerjoin(spent, spent.c.stage_id == deal_stages.c.id))
        .where(
            of_tenant(deal_stages),
            deal_stages.c.pipeline_id == PIPELINE,
            deal_stages.c.kind == "open",
            or_(deal_stages.c.is_active, spent.c.number.is_not(None)),
        )
        .order_by(deal_stages.c.order_index, deal_stages.c.id)
    )


def report_stage_durations(session: Session, scope: Scope) -> dict[str, Any]:
    """How long deals were in the open stages that they left in the window, and how long others are there by now."""
    stages: dict[int, dict[str, Any]] = {}
    for row in scope.fetch(session, _stage_durations, "pipeline_id", "start", "end", "now"):
        stage, (kind, count, *spent) = row[: len(_STAGE)], row[len(_STAGE) :]
        shown = stages.setdefault(
            stage[0],
            dict(zip(_STAGE, stage, strict=True))
            | {name: {"count": 0, **durations(0, None, None, None)} for name in ("left", "still")},
        )
        if kind is not None:
            shown[kind] = {"count": count, **durations(count, *spent)}
    return scope.answer({"stages": list(stages.values())})


@by_narrowing
def _due(narrowing: Narrowing) -> Statement:
    """The deals that were open before the window and expected in it, by what they were at its end."""
    dated, later = close_date_history, close_date_history.alias("later")
    then, at_end = stage_history.alias("then_in"), stage_history.alias("at_end")
    changed_since = (
        select(later.c.id)
        .where(
            of_tenant(later),
            later.c.deal_id == dated.c.deal_id,
            later.c.changed_at < START,
            tuple_(later.c.changed_at, later.c.id) > tuple_(dated.c.changed_at, dated.c.id),
        )
        .exists()
    )
    pushed_out = or_(deals.c.expected_close_date.is_(None), deals.c.expected_close_date > LAST)
    return (
        select(at_end.c.to_kind, pushed_out, func.count())
        .select_from(
            dated.join(deals, and_(deals.c.company_id == dated.c.company_id, deals.c.id == dated.c.deal_id))
            .join(then, and_(then.c.company_id == deals.c.company_id, then.c.deal_id == deals.c.id))
            .join(at_end, and_(at_end.c.company_id == deals.c.company_id, at_end.c.deal_id == deals.c.id))
        )
        .where(
            of_tenant(dated),
            dated.c.new_date >= FIRST,
            dated.c.new_date <= LAST,
            dated.c.changed_at < START,
            ~changed_since,
            covers(then, START),
            then.c.to_kind == "open",
            then.c.pipeline_id == PIPELINE,
            covers(at_end, UNTIL),
            *of_deals(narrowing),
            happened(),
        )
        .group_by(at_end.c.to_kind, pushed_out)
    )


@by_narrowing
def _pushes(narrowing: Narrowing) -> Statement:
    dated = close_date_history
    return (
        select(func.count(), func.count(dated.c.new_date), func.sum(dated.c.new_date - dated.c.old_date, type_=Integer))
        .select_from(dated.join(deals, and_(deals.c.company_id == dated.c.company_id, deals.c.id == dated.c.deal_id)))
        .where(
            of_tenant(dated),
            dated.c.changed_at >= START,
            dated.c.changed_at < END,
            dated.c.old_date <= LAST,
            or_(dated.c.new_date.is_(None), dated.c.new_date > LAST),
            deals.c.pipeline_id == PIPELINE,
            *of_deals(narrowing),
            happened(),
        )
    )


def report_slippage(session: Session, scope: Scope) -> dict[str, Any]:
    """What became of the deals that the window began with and that were expected in it.

    While the window is not over, only those have slipped whose date was moved out of it, and the others are pending.
    """
    is_over = scope.days.end <= scope.now
    due = {"won": 0, "lost": 0, "slipped": 0, "pending": 0}
    for kind, pushed_out, count in scope.fetch(session, _due, "pipeline_id", "start", "first", "last", "until"):
        state = kind if kind != "open" else "slipped" if is_over or pushed_out else "pending"
        due[state] += count
    ((pushes, dated, pushed_days),) = scope.fetch(session, _pushes, "pipeline_id", "start", "end", "last")
    total = sum(due.values())
    figures = {
        "due": total,
        **due,
        "share": share(due["slipped"], total),
        "pushes": pushes,
        "mean_days_pushed": days(quotient((pushed_days or 0) * 86400, dated)),
    }
    return scope.answer(figures)
