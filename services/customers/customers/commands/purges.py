"""Deleting a customer for good, with all that tells of it."""

from sqlalchemy import BigInteger, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.events import CONTACT_PURGED, CUSTOMER_MERGE_PURGED, CUSTOMER_PURGED
from customers.models import customer_merges as merges
from customers.models import customers
from customers.queries.contacts import RECORDS as CONTACTS
from customers.queries.customers import RECORDS, get_customer
from customers.queries.merges import RECORDS as MERGE_RECORDS
from customers.views import CUSTOMER_MERGE

_ID = bindparam("of_id", type_=BigInteger)
_MERGED_INTO = Prepared(select(customers.c.id).where(of_tenant(customers), customers.c.merged_into == _ID))
# A merge keeps the states of all its customers, also of one that it was undone for. No index helps with those that the
# customer went into: a company has few merges, and seldom purges.
_MERGES = Prepared(
    CUSTOMER_MERGE.one(
        of_tenant(merges),
        or_(merges.c.customer_id == _ID, merges.c.sources.op("@>")(cast(func.to_jsonb(_ID), JSONB))),
        lock=True,
    )
)


def purge_customer(session: Session, customer_id: int, version: int) -> None:
    """Delete the customer and all that went into it for good. Raises NotFound, PreconditionFailed."""
    # In the order of their ids, as a merge locks them and its undoing, so that none of these waits in a circle.
    for known in sorted(_merged_with(session, customer_id)):
        get_customer(session, known, lock=True)
    _purge(session, RECORDS.expect(session, customer_id, version))


def _merged_with(session: Session, customer_id: int) -> set[int]:
    """The customer and all that were merged into it, and into those."""
    found, waiting = {customer_id}, [customer_id]
    while waiting:
        merged = {row[0] for row in session.fetch(_MERGED_INTO, of_id=waiting.pop())}
        waiting += merged - found
        found |= merged
    return found


def _purge(session: Session, customer: Record) -> None:
    """What goes with a customer goes one by one, each with its event, and not by the database's own cascade."""
    for (merged,) in session.fetch(_MERGED_INTO, of_id=customer.id):
        _purge(session, get_customer(session, merged, lock=True))
    MERGE_RECORDS.delete_all(
        session, CUSTOMER_MERGE_PURGED, [Record(*row) for row in session.fetch(_MERGES, of_id=customer.id)]
    )
    RECORDS.delete(session, CUSTOMER_PURGED, customer, parts={CONTACTS: CONTACT_PURGED})
