"""Leads are kept for five years after they closed (seed A), archived or not; then they go, each with its event."""

from collections.abc import Iterator
from datetime import UTC, datetime
from threading import Event as Flag

from sqlalchemy import BigInteger, Integer, bindparam, column, func, select

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.db.statements import Prepared
from chassis.errors import NotFound
from pipeline.commands.purges import remove_lead
from pipeline.queries.leads import RECORDS

BATCH = 100
_COLUMNS = (column("company_id", BigInteger), column("id", BigInteger))
_EXPIRED = Prepared(
    select(*_COLUMNS).select_from(
        func.expired_leads(bindparam("most", type_=Integer())).table_valued(*(found.name for found in _COLUMNS))
    )
)


def list_expired(database: Database, most: int) -> list[tuple[int, int]]:
    """The leads of all companies that are kept no longer, by company and id, the oldest first."""
    with database.session() as session:
        return [(row[0], row[1]) for row in session.fetch(_EXPIRED, most=most)]


def expire_leads(database: Database, stop: Flag) -> None:
    """Delete them, one to a transaction: it can be broken off anywhere, and goes on from there."""
    for _ in purging(database, stop):
        pass


def purging(database: Database, stop: Flag) -> Iterator[tuple[int, int]]:
    """The same, telling of each that has gone."""
    # A day's run is one operation, for who listens to its events.
    operation = f"retention/{datetime.now(UTC):%Y%m%d}"
    while expired := list_expired(database, BATCH):
        for company_id, lead_id in expired:
            if stop.is_set():
                return
            with acting_as(Context(company_id=company_id, request_id="retention", operation=operation)):
                try:
                    with database.transaction() as session:
                        remove_lead(session, RECORDS.get(session, lead_id, lock=True))
                except NotFound:
                    continue
            yield company_id, lead_id
