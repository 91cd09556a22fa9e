"""What became of deals: win rate, cycle, velocity and the reasons of losses."""

from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, select

from chassis.db.session import Session
from chassis.db.statements import of_tenant
from pipeline.models import deals, loss_reasons, stage_history
from pipeline.queries.reports.closed import closed_in_window, closed_sums
from pipeline.queries.reports.scope import (
    PIPELINE,
    UNTIL,
    Narrowing,
    Scope,
    Statement,
    by_narrowing,
    covers,
    durations_of,
    happened,
    in_seconds,
    of_deals,
    open_now,
)
from pipeline.queries.reports.sums import Tally
from pipeline.rules.money import EXACT, days, money, quotient, share

MOST_REASONS = 100
_WINDOW = ("pipeline_id", "start", "end")
_SPAN = deals.c.closed_at - deals.c.created_at


@by_narrowing
def _outcomes(narrowing: Narrowing) -> Statement:
    return closed_sums(narrowing, deals.c.status, sums=(in_seconds(func.sum(_SPAN)),))


class _Outcomes:
    """What was won and lost in the window, and how long the winning took."""

    def __init__(self, session: Session, scope: Scope) -> None:
        self.won, self.lost, self.seconds = Tally(scope.base), Tally(scope.base), Decimal(0)
        for status, *sums, seconds in scope.fetch(session, _outcomes, *_WINDOW, "base"):
            if status == "won":
                self.won.add(sums)
                self.seconds += seconds
            else:
                self.lost.add(sums)

    @property
    def closed(self) -> int:
        return self.won.count + self.lost.count


def report_win_rate(session: Session, scope: Scope) -> dict[str, Any]:
    """The share of the closed deals that was won, by count and by value; of no deals it is none, and not zero."""
    found = _Outcomes(session, scope)
    figures = {
        "won": found.won.outcome(),
        "lost": found.lost.outcome(),
        "by_count": share(found.won.count, found.closed),
        "by_value": share(found.won.value, EXACT.add(found.won.value, found.lost.value)),
    }
    return scope.answer(figures, found.won, found.lost)


@by_narrowing
def _cycle(narrowing: Narrowing) -> Statement:
    won = (*closed_in_window(narrowing), deals.c.status == "won")
    return select(func.count(), *durations_of(_SPAN)).where(*won)


def report_cycle(session: Session, scope: Scope) -> dict[str, Any]:
    """How long the deals took that were won in the window, from their creation to their last closing."""
    ((count, seconds, lower, upper),) = scope.fetch(session, _cycle, *_WINDOW)
    return scope.answer({"count": count, **durations(count, seconds, lower, upper)})


def durations(count: int, seconds: Decimal | None, lower: Decimal | None, upper: Decimal | None) -> dict[str, Any]:
    """Mean and median in days, from a sum and the middle two."""
    return {
        "mean_days": days(quotient(seconds or 0, count)),
        "median_days": None if lower is None or upper is None else days((lower + upper) / 2),
    }


@by_narrowing
def _open_now(narrowing: Narrowing) -> Statement:
    return select(func.count()).where(*of_deals(narrowing), open_now(), deals.c.pipeline_id == PIPELINE)


@by_narrowing
def _open_then(narrowing: Narrowing) -> Statement:
    same = and_(stage_history.c.company_id == deals.c.company_id, stage_history.c.deal_id == deals.c.id)
    return (
        select(func.count())
        .select_from(stage_history.join(deals, same))
        .where(
            of_tenant(stage_history),
            stage_history.c.pipeline_id == PIPELINE,
            stage_history.c.to_kind == "open",
            covers(stage_history, UNTIL),
            *of_deals(narrowing),
            happened(),
        )
    )


def report_velocity(session: Session, scope: Scope) -> dict[str, Any]:
    """What is won a day as things go, with the four factors that it is made of; none where one of them is none."""
    found = _Outcomes(session, scope)
    if scope.days.end > scope.now:
        ((open_deals,),) = scope.fetch(session, _open_now, "pipeline_id")
    else:
        ((open_deals,),) = scope.fetch(session, _open_then, "pipeline_id", "until")
    average = quotient(found.won.value, found.won.converted)
    rate = quotient(found.won.count, found.closed)
    seconds = quotient(found.seconds, found.won.count)
    velocity = None
    if average is not None and rate is not None and seconds:
        velocity = quotient(EXACT.multiply(EXACT.multiply(average * open_deals, rate), Decimal(86400)), seconds)
    figures = {
        "open_deals": open_deals,
        "average_won_value": None if average is None else money(average, scope.base),
        "win_rate": share(found.won.count, found.closed),
        "mean_cycle_days": days(seconds),
        "per_day": None if velocity is None else money(velocity, scope.base),
        "unconverted": found.won.shown()["unconverted"],
    }
    return scope.answer(figures, found.won)


@by_narrowing
def _reasons(narrowing: Narrowing) -> Statement:
    of_reason = and_(loss_reasons.c.company_id == deals.c.company_id, loss_reasons.c.id == deals.c.loss_reason_id)
    return closed_sums(
        narrowing,
        deals.c.loss_reason_id,
        loss_reasons.c.name,
        deals.c.loss_reason,
        more=(deals.c.status == "lost",),
        source=deals.outerjoin(loss_reasons, of_reason),
    )


def report_loss_reasons(session: Session, scope: Scope) -> dict[str, Any]:
    """What was lost in the window by its reason, the commonest first; those beyond a hundred are summed up."""
    reasons: dict[tuple[int | None, str | None, str], Tally] = {}
    for reason_id, name, text, *sums in scope.fetch(session, _reasons, *_WINDOW, "base"):
        reasons.setdefault((reason_id, name, text), Tally(scope.base)).add(sums)
    ordered = sorted(reasons.items(), key=lambda item: (-item[1].count, item[0][0] or 0, item[0][2]))
    total, others = Tally(scope.base), Tally(scope.base)
    for _, tally in ordered:
        total.include(tally)
    for _, tally in ordered[MOST_REASONS:]:
        others.include(tally)
    rows = [
        {"loss_reason_id": reason_id, "name": name, "loss_reason": text, **tally.outcome()}
        for (reason_id, name, text), tally in ordered[:MOST_REASONS]
    ]
    return scope.answer({"reasons": rows, "others": others.outcome(), "total": total.outcome()}, total)
