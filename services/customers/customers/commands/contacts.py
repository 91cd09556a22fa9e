"""Everything that changes the people at a customer."""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, select

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict
from customers.events import (
    CONTACT_ARCHIVED,
    CONTACT_CREATED,
    CONTACT_PURGED,
    CONTACT_RESTORED,
    CONTACT_UPDATED,
)
from customers.models import USERS, contacts
from customers.queries.contacts import RECORDS
from customers.queries.customers import get_customer
from customers.queries.keys import with_contact_keys
from customers.rules.archiving import refuse_archived

MOST_OF_A_CUSTOMER = 200

_COUNT = Prepared(
    select(func.count()).where(
        of_tenant(contacts),
        contacts.c.customer_id == any_(bindparam("of_customers", type_=ARRAY(BigInteger))),
        contacts.c.archived_at.is_(None),
    )
)


def create_contact(session: Session, customer_id: int, values: dict[str, Any]) -> Record:
    """Add a person to a live customer. Raises NotFound, Conflict."""
    customer = _lock_customer(session, customer_id)
    _refuse_more(session, customer_id, 1)
    USERS.ensure_actor(session)
    if values.get("is_primary"):
        _step_down(session, customer_id)
    owned = {"customer_id": customer_id, "created_by": current().user_id}
    return RECORDS.create(session, CONTACT_CREATED, with_contact_keys(session, values, customer["country"]) | owned)


def update_contact(session: Session, contact_id: int, version: int, values: dict[str, Any]) -> Record:
    """Change the given fields of a contact. Raises NotFound, PreconditionFailed, Conflict."""
    customer = _lock_customer_of(session, contact_id)
    before = RECORDS.expect(session, contact_id, version)
    RECORDS.refuse_archived(before)
    if values.get("is_primary"):
        _step_down(session, customer["id"], but=contact_id)
    keyed = with_contact_keys(session, values, customer["country"])
    return RECORDS.change(session, CONTACT_UPDATED, before, keyed)


def archive_contact(session: Session, contact_id: int, version: int) -> Record:
    """Hide a contact from lists. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, contact_id, version)
    return RECORDS.archive(session, CONTACT_ARCHIVED, before, {"is_primary": False})


def restore_contact(session: Session, contact_id: int, version: int | None) -> Record:
    """Bring back a contact of a live customer. Raises NotFound, PreconditionFailed, Conflict."""
    customer_id = _lock_customer_of(session, contact_id)["id"]
    before = RECORDS.expect(session, contact_id, version)
    restored = RECORDS.restore(session, CONTACT_RESTORED, before)
    _refuse_more(session, customer_id, 0)
    return restored


def purge_contact(session: Session, contact_id: int, version: int) -> None:
    """Delete a contact for good. Raises NotFound, PreconditionFailed."""
    RECORDS.delete(session, CONTACT_PURGED, RECORDS.expect(session, contact_id, version))


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
    for contact in RECORDS.lock_parts(session, customer_id):
        moved.append(contact.id)
        if contact.document["is_primary"]:
            primary.append(contact.id)
        RECORDS.change(session, CONTACT_UPDATED, contact, {"customer_id": to, "is_primary": False})
    return moved, primary


def move_contacts_back(
    session: Session, customer_id: int, to: int, *, only: Collection[int], primary: Collection[int]
) -> None:
    """Give back those contacts that were moved, archived since or not; who was the primary one is so again."""
    for contact in RECORDS.lock_parts(session, customer_id, archived=True):
        if contact.id in only:
            is_live = contact.document["archived_at"] is None
            values = {"customer_id": to, "is_primary": is_live and contact.id in primary}
            RECORDS.change(session, CONTACT_UPDATED, contact, values)


def _lock_customer(session: Session, customer_id: int) -> dict[str, Any]:
    customer: dict[str, Any] = get_customer(session, customer_id, lock=True).document
    refuse_archived(customer)
    return customer


def _lock_customer_of(session: Session, contact_id: int) -> dict[str, Any]:
    """The customer first, as everywhere, so that two who change its contacts never wait for each other in a circle."""
    return _lock_customer(session, RECORDS.get(session, contact_id).document["customer_id"])


def _refuse_more(session: Session, customer_id: int, more: int) -> None:
    if len(RECORDS.lock_parts(session, customer_id)) + more > MOST_OF_A_CUSTOMER:
        raise Conflict("too_many_contacts", f"A customer has at most {MOST_OF_A_CUSTOMER} contacts.")


def _step_down(session: Session, customer_id: int, but: int | None = None) -> None:
    """A customer has one primary contact: the one before is none any more."""
    for contact in RECORDS.lock_parts(session, customer_id):
        if contact.id != but and contact.document["is_primary"]:
            RECORDS.change(session, CONTACT_UPDATED, contact, {"is_primary": False})
