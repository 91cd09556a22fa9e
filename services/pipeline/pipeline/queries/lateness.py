"""What is late, as filters of lists: no field says so, because a document that changes by itself breaks its ETag."""

from sqlalchemy import ColumnElement, Date, Table, and_, cast, func, select

from chassis.db.listing import Word
from chassis.db.statements import of_tenant
from pipeline.models import company_refs

_DAY = 24


def overdue(table: Table) -> ColumnElement[bool]:
    """Open, and expected to be closed by a day that is over in the company's zone; today is not over."""
    zone = func.coalesce(select(company_refs.c.time_zone).where(of_tenant(company_refs)).scalar_subquery(), "UTC")
    today = cast(func.timezone(zone, func.now()), Date)
    return and_(table.c.closed_at.is_(None), table.c.expected_close_date < today)


def stale(table: Table, stages: Table) -> ColumnElement[bool]:
    """Open, and longer in its stage than that allows; counted from the entry into the stage, never from creation."""
    hours = stages.c.stale_after_days * _DAY
    since = func.now() - func.make_interval(0, 0, 0, 0, hours)
    too_long = (
        select(stages.c.id)
        .where(of_tenant(stages), stages.c.id == table.c.stage_id, table.c.stage_entered_at < since)
        .correlate(table)
        .exists()
    )
    return and_(table.c.closed_at.is_(None), too_long)


def words(table: Table, stages: Table) -> dict[str, dict[str, Word]]:
    """The filters `overdue` and `stale`."""
    late, long = overdue(table), stale(table, stages)
    return {
        "overdue": {"true": Word(late, (("expected_close_date", False),)), "false": Word(late.is_not(True))},
        "stale": {"true": Word(long, (("stage_entered_at", False),)), "false": Word(long.is_not(True))},
    }
