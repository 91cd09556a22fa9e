"""Which companies there are to take snapshots of, and what was open on a day."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, Integer, String, bindparam, column, func, select, true

from chassis.db.listing import of_actor
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from pipeline.models import pipeline_snapshots, snapshot_days
from pipeline.queries.exchange_rates import rate_on
from pipeline.queries.reports.scope import BASE, OWN, PIPELINE, Narrowing, Scope, Statement, by_narrowing
from pipeline.queries.reports.sums import Tally

MOST_COMPANIES = 1000

_AS_OF = bindparam("as_of", type_=Date())
_STATE = (column("company_id", BigInteger), column("time_zone", String), column("newest", Date))
# There is no tenant yet: see the function in the migration.
_STATES = Prepared(
    select(*_STATE).select_from(
        func.newest_snapshots(bindparam("after", type_=BigInteger), bindparam("most", type_=Integer)).table_valued(
            *(c.name for c in _STATE)
        )
    )
)
_TAKEN = Prepared(select(func.max(snapshot_days.c.day)).where(of_tenant(snapshot_days), snapshot_days.c.day <= _AS_OF))


@dataclass(frozen=True, slots=True)
class Newest:
    """A company, its zone, and the day of its newest snapshot."""

    company_id: int
    zone: str
    day: date | None


def list_newest(session: Session, after: int) -> list[Newest]:
    """The next companies after an id, in the order of their ids."""
    return [Newest(*row) for row in session.fetch(_STATES, after=after, most=MOST_COMPANIES)]


@by_narrowing
def _snapshot(narrowing: Narrowing) -> Statement:
    rows = pipeline_snapshots
    keys = (rows.c.stage_id, rows.c.stage_name, rows.c.order_index, rows.c.expected_month, rows.c.currency)
    narrowed = [rows.c.assigned_to == bindparam("of_assigned_to", type_=BigInteger())]
    sums = (
        select(
            *keys,
            func.sum(rows.c.deals, type_=Integer).label("number"),
            func.sum(rows.c.value).label("value"),
            func.sum(rows.c.weighted).label("weighted"),
        )
        .where(
            of_tenant(rows),
            rows.c.day == _AS_OF,
            rows.c.pipeline_id == PIPELINE,
            *(narrowed if "assigned_to" in narrowing else ()),
            *([of_actor(rows, OWN)] if "own" in narrowing else ()),
        )
        .group_by(*keys)
        .subquery("sums")
    )
    held = rate_on(sums.c.currency, BASE, _AS_OF)
    return (
        select(
            *(sums.c[name] for name in ("stage_id", "stage_name", "order_index", "expected_month", "currency")),
            held.c.rate,
            held.c.valid_on,
            sums.c.number,
            sums.c.number,
            sums.c.value,
            sums.c.weighted,
        )
        .select_from(sums.outerjoin(held, true()))
        .order_by(sums.c.order_index, sums.c.stage_id, sums.c.expected_month)
    )


def report_snapshot(session: Session, scope: Scope) -> dict[str, Any]:
    """What was open on a day, with the rates of that day. Raises NotFound for a day that none was taken on."""
    ((taken,),) = session.fetch(_TAKEN, as_of=scope.as_of)
    if taken != scope.as_of:
        newest = "none was taken before" if taken is None else f"the newest before it is of {taken}"
        raise NotFound("snapshot_not_found", f"No snapshot was taken on {scope.as_of}; {newest}.")
    stages: dict[int, tuple[dict[str, Any], Tally, dict[str | None, Tally]]] = {}
    total = Tally(scope.base)
    for stage_id, name, order_index, month, *sums in scope.fetch(session, _snapshot, "base", "pipeline_id", "as_of"):
        stage = {"stage_id": stage_id, "stage_name": name, "order_index": order_index}
        _, tally, months = stages.setdefault(stage_id, (stage, Tally(scope.base), {}))
        of_month = months.setdefault(None if month is None else f"{month:%Y-%m}", Tally(scope.base))
        for each in (tally, of_month, total):
            each.add(sums)
    rows = [
        stage | tally.shown() | {"months": [{"month": month, **of_month.shown()} for month, of_month in months.items()]}
        for stage, tally, months in stages.values()
    ]
    return scope.answer({"stages": rows, "total": total.shown()}, total)
