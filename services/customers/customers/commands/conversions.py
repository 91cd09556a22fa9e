"""What customers do for the conversion of a lead, and how that is undone.

Each conversion has one row, and so one outcome, however often and in whatever order its events arrive.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from chassis.context import acting_as, current
from chassis.db.records import Record
from chassis.db.refusals import expected
from chassis.db.session import Session
from chassis.errors import AppError, FieldError, Invalid, NotFound
from customers.commands.conflicts import CONFLICTS
from customers.commands.contacts import create_contact
from customers.commands.customers import change_customer, create_customer
from customers.events import (
    CONTACT_ARCHIVED,
    CONVERSION_RESULT_REFUSED,
    CONVERSION_RESULT_SUCCEEDED,
    CONVERSION_RESULT_UNDONE,
    CUSTOMER_ARCHIVED,
    CUSTOMER_UPDATED,
)
from customers.models import USERS
from customers.queries.contacts import RECORDS as CONTACTS
from customers.queries.conversions import RECORDS, find_result
from customers.queries.customers import RECORDS as CUSTOMERS
from customers.queries.keys import with_customer_keys
from customers.rules.archiving import refuse_archived

# What was created and never changed since is still in its first version.
_FIRST = 1


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a conversion wants of customers, checked: `customer` is new where `use` names none.

    `fill` are values for the blank fields of the customer that is used, `accepted` the likely duplicates that the actor
    has seen and found to be others. `contact` is new where `use_contact` names none; both None: none is wanted.
    """

    customer: Mapping[str, Any] | None = None
    use: int | None = None
    fill: Mapping[str, Any] = field(default_factory=dict)
    contact: Mapping[str, Any] | None = None
    use_contact: int | None = None
    accepted: Collection[int] = ()

    @property
    def users(self) -> set[int]:
        """Who is to look after the customer."""
        given = (values.get("assigned_to") for values in (self.customer or {}, self.fill))
        return {user_id for user_id in given if user_id is not None}


@dataclass(frozen=True, slots=True)
class _Done:
    customer: Record
    contact: Record | None
    filled: Collection[str]


def carry_out(session: Session, conversion_id: int, wishes: Wishes | Invalid) -> Record:
    """Create or fill what a conversion wants and record what came of it, in the actor's name; never a second time.

    A refusal is an outcome as well: nothing of the work is kept then, and the result says why. Wishes that could not
    be read are refused with their faults.
    """
    known = find_result(session, conversion_id)
    if known is not None:
        return known
    user_id = current().user_id
    USERS.ensure_actor(session)
    given: dict[str, Any] = {"conversion_id": conversion_id, "created_by": user_id}
    try:
        with session.savepoint():
            if isinstance(wishes, Invalid):
                raise wishes
            done = _carry_out(session, wishes)
    except (AppError, psycopg.Error) as error:
        refusal = expected(error, CONFLICTS)
        values = given | {"state": "refused", "error_code": refusal.code, "error_detail": refusal.detail}
        faults = [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in refusal.errors]
        more: dict[str, Any] = {"candidates": refusal.members.get("candidates", []), "errors": faults}
        return RECORDS.create(session, CONVERSION_RESULT_REFUSED, values, more=more)
    customer, contact = done.customer, done.contact
    values = given | {
        "state": "succeeded",
        "customer_id": customer.id,
        "contact_id": None if contact is None else contact.id,
        "customer_created": wishes.use is None,
        "contact_created": wishes.contact is not None,
        "filled": sorted(done.filled),
    }
    more = {"customer": customer.document, "contact": None if contact is None else contact.document}
    return RECORDS.create(session, CONVERSION_RESULT_SUCCEEDED, values, more=more)


def _carry_out(session: Session, wishes: Wishes) -> _Done:
    for assignee in wishes.users:
        # The pipeline knows them; identity's event about somebody new may still be on its way here.
        with acting_as(replace(current(), user_id=assignee)):
            USERS.ensure_actor(session)
    actor = current().user_id
    if actor is not None and not USERS.active_among(session, {actor}):
        raise Invalid("inactive_user", "Whoever began the conversion is not active in the company any more.")
    filled: dict[str, Any] = {}
    if wishes.use is None:
        customer = create_customer(session, dict(wishes.customer or {}), accepted=wishes.accepted).record
    else:
        customer = CUSTOMERS.get(session, wishes.use, lock=True)
        refuse_archived(customer.document)
        filled = {name: value for name, value in wishes.fill.items() if customer.document[name] in (None, "")}
        if filled:
            customer = change_customer(session, customer, filled)
    contact = None
    if wishes.contact is not None:
        contact = create_contact(session, customer.id, dict(wishes.contact))
    elif wishes.use_contact is not None:
        contact = CONTACTS.get(session, wishes.use_contact, lock=True)
        CONTACTS.refuse_archived(contact)
        if contact.document["customer_id"] != customer.id:
            detail = f"Contact {contact.id} is a person at another customer."
            raise Invalid("customer_mismatch", detail, (FieldError("/contact/use", "customer_mismatch", detail),))
    return _Done(customer, contact, filled)


def undo(session: Session, conversion_id: int, wishes: Wishes | Invalid, *, customer_in_use: bool) -> Record:
    """Take back what was done for a conversion, as far as nobody has worked on with it; the result says what is kept.

    What was created is archived if it is still as it was made, and a customer only if nobody has others of theirs there
    (`customer_in_use`: the pipeline has). What was filled is emptied if nobody has changed it. An undoing that comes
    before the start leaves a row, by which the start does nothing.
    """
    known = find_result(session, conversion_id)
    if known is None:
        USERS.ensure_actor(session)
        values = {"conversion_id": conversion_id, "state": "undone", "created_by": current().user_id}
        return RECORDS.create(session, CONVERSION_RESULT_UNDONE, values)
    result = known.document
    if result["state"] == "undone":
        return known
    kept: list[str] = []
    if result["state"] == "succeeded":
        fill = {} if isinstance(wishes, Invalid) else wishes.fill
        kept = _take_back(session, result, fill, customer_in_use=customer_in_use)
    return RECORDS.change(session, CONVERSION_RESULT_UNDONE, known, {"state": "undone", "kept": kept})


def _take_back(
    session: Session, result: Mapping[str, Any], fill: Mapping[str, Any], *, customer_in_use: bool
) -> list[str]:
    customer = _find(session, CUSTOMERS, result["customer_id"])
    contact = _find(session, CONTACTS, result["contact_id"]) if result["contact_created"] else None
    kept = []
    if result["customer_created"] and customer is not None and _is_live(customer):
        people = CONTACTS.lock_parts(session, customer.id)
        are_ours = all(contact is not None and (one.id, one.version) == (contact.id, _FIRST) for one in people)
        if customer.version == _FIRST and are_ours and not customer_in_use:
            CUSTOMERS.archive(session, CUSTOMER_ARCHIVED, customer, parts={CONTACTS: CONTACT_ARCHIVED})
            return []
        kept.append("/customer")
    elif result["filled"] and customer is not None:
        kept += _empty(session, customer, {name: fill.get(name) for name in result["filled"]})
    if contact is not None and _is_live(contact):
        if contact.version == _FIRST:
            CONTACTS.archive(session, CONTACT_ARCHIVED, contact, {"is_primary": False})
        else:
            kept.append("/contact")
    return kept


def _empty(session: Session, customer: Record, filled: Mapping[str, Any]) -> list[str]:
    """Empty the fields that still hold what they were filled with; answers pointers to those that hold other values."""
    now = customer.document
    ours = {name for name, value in filled.items() if now[name] == value}
    if not _is_live(customer):
        return [f"/customer/{name}" for name in sorted(filled) if now[name] is not None]
    if ours:
        CUSTOMERS.change(session, CUSTOMER_UPDATED, customer, with_customer_keys(session, dict.fromkeys(ours), now))
    return [f"/customer/{name}" for name in sorted(filled.keys() - ours) if now[name] is not None]


def _find(session: Session, records: Any, record_id: int | None) -> Record | None:
    """The record, locked; None for one that was purged, of which nothing is left to take back."""
    if record_id is None:
        return None
    try:
        found: Record = records.get(session, record_id, lock=True)
    except NotFound:
        return None
    return found


def _is_live(record: Record) -> bool:
    return record.document["archived_at"] is None
