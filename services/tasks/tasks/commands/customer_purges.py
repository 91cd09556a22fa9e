"""Customers that were purged: what was about them goes a hundred records to a transaction, and they at the end."""

from collections.abc import Callable

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.reference_purges import ReferencePurges
from tasks.commands.neighbours import OF_ACTIVITIES, OF_SERIES, OF_TASKS, Kind, let_series_go, portions
from tasks.commands.purging import forget_activity, forget_task
from tasks.models import CUSTOMERS, customer_purges

PURGED_AT_ONCE = 100

CUSTOMER_PURGES = ReferencePurges(customer_purges, CUSTOMERS)

# Series first, or a task that goes would be followed by the next one.
_FORGET: tuple[tuple[Kind, Callable[[Session, Record], None]], ...] = (
    (OF_SERIES, lambda session, series: let_series_go(session, "customer_id", series)),
    (OF_TASKS, forget_task),
    (OF_ACTIVITIES, forget_activity),
)


def purge_on(session: Session, purge_id: int) -> bool:
    """Remove the next records of a customer that was purged, each with its event; whether there are more."""
    return CUSTOMER_PURGES.step(session, purge_id, _remove_next)


def _remove_next(session: Session, customer_id: int) -> bool:
    for kind, forget in _FORGET:
        found = next(portions(session, kind, "customer_id", customer_id, "all", most=PURGED_AT_ONCE), [])
        for record in found:
            # As it is now: what went before it may have changed it.
            forget(session, kind.records.get(session, record.id, lock=True))
        if found:
            return True
    return False
