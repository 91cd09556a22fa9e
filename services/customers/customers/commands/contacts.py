"""Everything that changes the people at a customer."""

from collections.abc import Collection, Iterable
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, select

from chassis.context import current
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict
from customers.commands.user_references import know_actor
from customers.events import (
    CONTACT_ARCHIVED,
    CONTACT_CREATED,
    CONTACT_PURGED,
    CONTACT_RESTORED,
    CONTACT_UPDATED,
)
from customers.models import contacts, customers
from customers.queries.contacts import CONTACT, RECORDS
from customers.queries.customers import get_customer
from customers.queries.keys import with_contact_keys
from customers.rules.archiving import refuse_archived

MOST_OF_A_CUSTOMER = 200

_OF_CUSTOMER = (
    of_tenant(contacts),
    contacts.c.customer_id == bindparam("of_customer", type_=BigInteger),
)
_LIVE = Prepared(CONTACT.one(*_OF_CUSTOMER, contacts.c.archived_at.is_(None), lock=True))
_COUNT = Prepared(
    select(func.count()).where(
        of_tenant(contacts),
        contacts.c.customer_id == any_(bindparam("of_customers", type_=ARRAY(BigInteger))),
        contacts.c.archived_at.is_(None),
    )
)
_ALL = Prepared(CONTACT.one(*_OF_CUSTOMER, lock=True))
_GONE_WITH = Prepared(
    CONTACT.one(
        *_OF_CUSTOMER,
        contacts.c.archived_by_event
        == select(customers.c.archived_by_event)
        .where(customers.c.company_id == contacts.c.company_id, customers.c.id == contacts.c.customer_id)
        .scalar_subquery(),
        lock=True,
    )
)
_DELETE = Prepared(contacts.delete().where(*RECORDS.this))
_DELETE_OF_CUSTOMER = Prepared(contacts.delete().where(*_OF_CUSTOMER))
_HIDE: dict[str, Any] = {"archived_at": NOW}
_SHOW: dict[str, Any] = {"archived_at": None, "archived_by_event": None}


def create_contact(session: Session, customer_id: int, values: dict[str, Any]) -> Record:
    """Add a person to a live customer. Raises NotFound, Conflict."""
    _lock_customer(session, customer_id)
    _refuse_more(session, customer_id)
    know_actor(session)
    if values.get("is_primary"):
        _step_down(session, customer_id)
    owned = {"customer_id": customer_id, "created_by": current().user_id}
    return RECORDS.create(session, CONTACT_CREATED, with_contact_keys(session, values) | owned)


def update_contact(session: Session, contact_id: int, version: int, values: dict[str, Any]) -> Record:
    """Change the given fields of a contact. Raises NotFound, PreconditionFailed, Conflict."""
    customer_id = _lock_customer_of(session, contact_id)
    before = RECORDS.expect(session, contact_id, version)
    if orjson.loads(before.json)["archived_at"] is not None:
        raise Conflict("contact_archived", "The contact is archived.")
    if values.get("is_primary"):
        _step_down(session, customer_id, but=contact_id)
    return RECORDS.change(session, CONTACT_UPDATED, before, with_contact_keys(session, values))


def archive_contact(session: Session, contact_id: int, version: int) -> Record:
    """Hide a contact from lists. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, contact_id, version)
    if orjson.loads(before.json)["archived_at"] is not None:
        raise Conflict("contact_archived", "The contact is archived already.")
    return RECORDS.change(session, CONTACT_ARCHIVED, before, _HIDE | {"is_primary": False})


def restore_contact(session: Session, contact_id: int, version: int | None) -> Record:
    """Bring back a contact of a live customer. Raises NotFound, PreconditionFailed, Conflict."""
    _lock_customer_of(session, contact_id)
    before = RECORDS.expect(session, contact_id, version)
    document = orjson.loads(before.json)
    if document["archived_at"] is None:
        raise Conflict("contact_not_archived", "The contact is not archived.")
    _refuse_more(session, document["customer_id"])
    return RECORDS.change(session, CONTACT_RESTORED, before, _SHOW)


def purge_contact(session: Session, contact_id: int, version: int) -> None:
    """Delete a contact for good. Raises NotFound, PreconditionFailed."""
    before = RECORDS.expect(session, contact_id, version)
    session.run(_DELETE, of_id=contact_id)
    RECORDS.gone(session, CONTACT_PURGED, before)


def archive_contacts_of(session: Session, customer_id: int, event_id: str) -> None:
    """Hide the contacts of a customer that is archived by this event."""
    for row in session.fetch(_LIVE, of_customer=customer_id):
        RECORDS.change(session, CONTACT_ARCHIVED, Record(*row), _HIDE | {"archived_by_event": event_id})


def restore_contacts_of(session: Session, customer_id: int) -> None:
    """Bring back exactly those contacts that went with the customer."""
    for row in session.fetch(_GONE_WITH, of_customer=customer_id):
        RECORDS.change(session, CONTACT_RESTORED, Record(*row), _SHOW)


def refuse_crowd(session: Session, customer_ids: Iterable[int]) -> None:
    """Raise Conflict where these locked customers have more contacts together than one may have."""
    count: int = session.fetch(_COUNT, of_customers=list(customer_ids))[0][0]
    if count > MOST_OF_A_CUSTOMER:
        detail = f"A customer has at most {MOST_OF_A_CUSTOMER} contacts, and these have {count} together."
        raise Conflict("too_many_contacts", detail)


def move_contacts(session: Session, customer_id: int, to: int) -> tuple[list[int], list[int]]:
    """Give the live contacts of a locked customer to another one, none of them as its primary one.

    Answers their ids, and which of them was the primary one.
    """
    moved, primary = [], []
    for row in session.fetch(_LIVE, of_customer=customer_id):
        contact = Record(*row)
        moved.append(contact.id)
        if orjson.loads(contact.json)["is_primary"]:
            primary.append(contact.id)
        RECORDS.change(session, CONTACT_UPDATED, contact, {"customer_id": to, "is_primary": False})
    return moved, primary


def move_contacts_back(
    session: Session, customer_id: int, to: int, *, only: Collection[int], primary: Collection[int]
) -> None:
    """Give back those contacts that were moved, archived since or not; who was the primary one is so again."""
    for row in session.fetch(_ALL, of_customer=customer_id):
        contact = Record(*row)
        if contact.id in only:
            is_live = orjson.loads(contact.json)["archived_at"] is None
            values = {"customer_id": to, "is_primary": is_live and contact.id in primary}
            RECORDS.change(session, CONTACT_UPDATED, contact, values)


def purge_contacts_of(session: Session, customer_id: int) -> None:
    """Delete the contacts of a customer that is being purged, each with its event."""
    gone = session.fetch(_ALL, of_customer=customer_id)
    session.run(_DELETE_OF_CUSTOMER, of_customer=customer_id)
    for row in gone:
        RECORDS.gone(session, CONTACT_PURGED, Record(*row))


def _lock_customer(session: Session, customer_id: int) -> None:
    refuse_archived(orjson.loads(get_customer(session, customer_id, lock=True).json))


def _lock_customer_of(session: Session, contact_id: int) -> int:
    """The customer first, as everywhere, so that two who change its contacts never wait for each other in a circle."""
    customer_id: int = orjson.loads(RECORDS.get(session, contact_id).json)["customer_id"]
    _lock_customer(session, customer_id)
    return customer_id


def _refuse_more(session: Session, customer_id: int) -> None:
    if len(session.fetch(_LIVE, of_customer=customer_id)) >= MOST_OF_A_CUSTOMER:
        raise Conflict("too_many_contacts", f"A customer has at most {MOST_OF_A_CUSTOMER} contacts.")


def _step_down(session: Session, customer_id: int, but: int | None = None) -> None:
    """A customer has one primary contact: the one before is none any more."""
    for row in session.fetch(_LIVE, of_customer=customer_id):
        contact = Record(*row)
        if contact.id != but and orjson.loads(contact.json)["is_primary"]:
            RECORDS.change(session, CONTACT_UPDATED, contact, {"is_primary": False})
