"""Snapshots of what is open, taken once a day for each company, after midnight where it is."""

from datetime import UTC, date, datetime
from threading import Event as Flag

import structlog
from sqlalchemy import Date, bindparam, cast, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from pipeline.models import deal_stages, deals, pipeline_snapshots, snapshot_days
from pipeline.queries.reports.scope import open_now
from pipeline.queries.reports.snapshots import list_newest
from pipeline.rules.reporting import local_date

log = structlog.get_logger()

_DAY = bindparam("day", type_=Date())
# Whoever comes second waits for the first, and then has nothing to do.
_BEGIN = Prepared(
    upsert(snapshot_days).values(company_id=TENANT, day=_DAY).on_conflict_do_nothing().returning(snapshot_days.c.day)
)
_keys = (
    deals.c.pipeline_id,
    deals.c.stage_id,
    deal_stages.c.name,
    deal_stages.c.order_index,
    deals.c.assigned_to,
    deals.c.created_by,
    deals.c.currency,
    cast(func.date_trunc("month", deals.c.expected_close_date), Date),
)
_TAKE = Prepared(
    insert(pipeline_snapshots).from_select(
        [column.name for column in pipeline_snapshots.c],
        select(
            TENANT,
            _DAY,
            *_keys,
            func.count(),
            func.sum(deals.c.deal_value),
            func.sum(deals.c.deal_value * deals.c.probability),
        )
        .select_from(deals.join(deal_stages, deal_stages.c.id == deals.c.stage_id))
        .where(of_tenant(deals), of_tenant(deal_stages), open_now())
        .group_by(*_keys),
    )
)


def take_snapshot(session: Session, day: date) -> bool:
    """Keep what is open now as what was open on `day`; False where that was done before."""
    if not session.fetch(_BEGIN, day=day):
        return False
    session.run(_TAKE, day=day)
    return True


def take_snapshots(database: Database, stop: Flag) -> None:
    """Keep what is open, of each company that has passed midnight since the last time; no missed day is made up."""
    after = 0
    while not stop.is_set():
        with database.session() as session:
            companies = list_newest(session, after)
        if not companies:
            return
        for company in companies:
            if stop.is_set():
                return
            try:
                today = local_date(datetime.now(UTC), company.zone)
                if company.day is None or company.day < today:
                    with acting_as(Context(company_id=company.company_id)), database.transaction() as session:
                        take_snapshot(session, today)
            except Exception:
                log.exception("snapshot failed", company_id=company.company_id)
        after = companies[-1].company_id
