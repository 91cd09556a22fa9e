"""What is late, as filters of lists: no field says so, because a document that changes by itself breaks its ETag."""

from datetime import datetime

from sqlalchemy import ColumnElement, Date, Select, Table, and_, cast, func, select

from chassis.db.listing import Word
from chassis.db.statements import of_tenant
from pipeline.models import company_refs

_DAY = 24


def overdue(table: Table) -> ColumnElement[bool]:
    """Open, and expected to be closed by a day that is over in the company's zone; today is not over."""
    # COALESCE lies inside of the subquery: beside the column PostgreSQL would take it for a leak through row-level
    # security, and look for no day in an index.
    zone = select(func.coalesce(func.max(company_refs.c.time_zone), "UTC")).where(of_tenant(company_refs))
    today = cast(func.timezone(zone.scalar_subquery(), func.now()), Date)
    return and_(table.c.closed_at.is_(None), table.c.expected_close_date < today)


def stale(table: Table, stages: Table) -> ColumnElement[bool]:
    """Open, and longer in its stage than that allows; counted from the entry into the stage, never from creation."""

    def since(days: ColumnElement[int]) -> Select[datetime]:
        return select(func.now() - func.make_interval(0, 0, 0, 0, days * _DAY)).where(of_tenant(stages))

    entered = table.c.stage_entered_at
    # Values to compare with, and no join with the stages: the planner takes a stage's deals for few, and would look at
    # all of them before it shows those that came first. The first value ends that where none of them is stale.
    of_any = since(func.min(stages.c.stale_after_days)).scalar_subquery()
    of_own = since(stages.c.stale_after_days).where(stages.c.id == table.c.stage_id).correlate(table).scalar_subquery()
    return and_(table.c.closed_at.is_(None), entered < of_any, entered < of_own)


def words(table: Table, stages: Table) -> dict[str, dict[str, Word]]:
    """The filters `overdue` and `stale`."""
    late, long = overdue(table), stale(table, stages)
    return {
        "overdue": {"true": Word(late, (("expected_close_date", False),)), "false": Word(late.is_not(True))},
        "stale": {"true": Word(long, (("stage_entered_at", False),)), "false": Word(long.is_not(True))},
    }
