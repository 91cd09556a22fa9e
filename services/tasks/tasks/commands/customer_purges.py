"""Customers that were purged: what was about them goes a hundred records to a transaction, and they at the end."""

from collections.abc import Callable

from sqlalchemy import BigInteger, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis import events
from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.events import Event
from tasks.commands.neighbours import OF_ACTIVITIES, OF_SERIES, OF_TASKS, Kind, let_series_go, portions
from tasks.commands.purging import forget_activity, forget_task
from tasks.models import CUSTOMERS, customer_purges, customer_refs

PURGED_AT_ONCE = 100

_CUSTOMER = bindparam("of_customer", type_=BigInteger)
_THIS = (of_tenant(customer_purges), customer_purges.c.id == bindparam("of_id", type_=BigInteger))
_HIDE = Prepared(
    update(customer_refs)
    .where(of_tenant(customer_refs), customer_refs.c.customer_id == _CUSTOMER)
    .values(archived_at=func.coalesce(customer_refs.c.archived_at, func.now()))
)
_NOTE = Prepared(
    upsert(customer_purges)
    .values(named_values(customer_purges, ("customer_id", "customer_version", "event_id", "correlation_id")))
    .on_conflict_do_nothing()
)
_UNFINISHED = Prepared(
    select(customer_purges.c.customer_id, customer_purges.c.customer_version)
    .where(*_THIS, customer_purges.c.finished_at.is_(None))
    .with_for_update()
)
_FINISH = Prepared(update(customer_purges).where(*_THIS).values(finished_at=func.now(), updated_at=func.now()))

# Series first, or a task that goes would be followed by the next one.
_FORGET: tuple[tuple[Kind, Callable[[Session, Record], None]], ...] = (
    (OF_SERIES, lambda session, series: let_series_go(session, "customer_id", series)),
    (OF_TASKS, forget_task),
    (OF_ACTIVITIES, forget_activity),
)


def note_customer_purge(session: Session, event: Event) -> None:
    """Remember that a customer was purged: the worker removes what was about it, and what is known of it at the end."""
    note_purge(session, event.record_id, event.aggregate_version, event_id=event.id)


def note_purge(session: Session, customer_id: int, version: int, *, event_id: str | None = None) -> None:
    """The same, also where an operator found the customer gone."""
    if customer_id not in CUSTOMERS.find(session, (customer_id,)):
        CUSTOMERS.remove(session, customer_id, version)
        return
    # Nothing is made about the customer from now on.
    session.run(_HIDE, of_customer=customer_id)
    session.run(
        _NOTE,
        customer_id=customer_id,
        customer_version=version,
        event_id=event_id or events.new_id(),
        correlation_id=current().request_id[:64],
    )


def purge_on(session: Session, purge_id: int) -> bool:
    """Remove the next records of a customer that was purged, each with its event; whether there are more."""
    row = session.fetch_one(_UNFINISHED, of_id=purge_id)
    if row is None:
        return False
    customer_id, version = row
    for kind, forget in _FORGET:
        found = next(portions(session, kind, "customer_id", customer_id, "all", most=PURGED_AT_ONCE), [])
        for record in found:
            # As it is now: what went before it may have changed it.
            forget(session, kind.records.get(session, record.id, lock=True))
        if found:
            return True
    CUSTOMERS.remove(session, customer_id, version)
    session.run(_FINISH, of_id=purge_id)
    return False
