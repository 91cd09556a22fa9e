"""Everything that changes a customer, and the event that each change records."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import bindparam, cast, func, insert, literal, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.locks import lock_name
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.errors import Conflict, PreconditionFailed
from customers.events import (
    CONTACT_ARCHIVED,
    CONTACT_RESTORED,
    CUSTOMER_ARCHIVED,
    CUSTOMER_CREATED,
    CUSTOMER_RESTORED,
    CUSTOMER_UPDATED,
)
from customers.models import COMPANY, USERS, customer_codes, customers
from customers.queries.contacts import RECORDS as CONTACTS
from customers.queries.customers import RECORDS, get_customer
from customers.queries.duplicates import find_duplicates
from customers.queries.keys import with_customer_keys
from customers.queries.matches import taken_names
from customers.rules.archiving import refuse_archived, refuse_merged
from customers.rules.duplicates import ALLOW, BLOCK
from customers.views import CUSTOMER


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """A customer that was created, and those that it is probably the same as."""

    record: Record
    duplicates: Sequence[Mapping[str, Any]] = ()


def create_customer(
    session: Session, values: dict[str, Any], *, accepted: Collection[int] | None = None
) -> NewCustomer:
    """Create a customer; without a code it gets the company's next one.

    Raises Invalid for an inactive assignee, and Conflict with the candidates where the company blocks likely duplicates
    (its setting `duplicates`). Who gives `accepted` has looked for them beforehand: any others are refused whatever the
    company's setting is, and these are not.
    """
    USERS.refuse_inactive(session, values.get("assigned_to"))
    values = with_customer_keys(session, values)
    parameters = {f"new_{name}": value for name, value in values.items()}
    USERS.ensure_actor(session)
    row = session.fetch(_insert(frozenset(values)), actor=current().user_id, **parameters)[0]
    customer, action = Record(*row[:3]), row[3]
    if accepted is not None:
        _refuse_others(session, customer, values, accepted, refuse_hidden=action == BLOCK)
        duplicates: Sequence[Mapping[str, Any]] = []
    else:
        duplicates = [] if action in (None, ALLOW) else _duplicates(session, customer, values, action)
    RECORDS.record_event(session, CUSTOMER_CREATED, customer, before=None)
    return NewCustomer(customer, duplicates)


def _duplicates(session: Session, customer: Record, values: dict[str, Any], action: str) -> Sequence[Mapping[str, Any]]:
    if action == BLOCK:
        lock_creation(session)
    found = find_duplicates(session, values, but=(customer.id,))
    if action == BLOCK and (found["candidates"] or found["hidden"]):
        raise _possible_duplicate(found)
    candidates: Sequence[Mapping[str, Any]] = found["candidates"]
    return candidates


def _refuse_others(
    session: Session, customer: Record, values: dict[str, Any], accepted: Collection[int], *, refuse_hidden: bool
) -> None:
    lock_creation(session)
    found = find_duplicates(session, values, but=(customer.id,))
    others = [one for one in found["candidates"] if one["customer"]["id"] not in accepted]
    if others or (refuse_hidden and found["hidden"]):
        raise _possible_duplicate({**found, "candidates": others})


def _possible_duplicate(found: Mapping[str, Any]) -> Conflict:
    detail = "There are customers that this one is probably the same as."
    return Conflict("possible_duplicate", detail, members=found)


def lock_creation(session: Session) -> None:
    """Of two who create the same at once the second waits here until the first has committed, and then sees it."""
    lock_name(session, "customers:create")


def update_customer(session: Session, customer_id: int, version: int, values: dict[str, Any]) -> Record:
    """Change the given fields of the state that the caller has seen. Raises NotFound, PreconditionFailed, Conflict."""
    return change_customer(session, expect_customer(session, customer_id, version), values)


def expect_customer(session: Session, customer_id: int, version: int | None) -> Record:
    """The customer under its lock, if it is still what the caller has seen; None is for one who does not say.

    Raises NotFound, PreconditionFailed, and Conflict for one that was merged: its id answers with the version of the
    customer that it was merged into, so that getting it again would help nobody.
    """
    try:
        return RECORDS.expect(session, customer_id, version)
    except PreconditionFailed:
        refuse_merged(get_customer(session, customer_id).document)
        raise


def change_customer(session: Session, before: Record, values: dict[str, Any]) -> Record:
    """Change the given fields of a customer that is locked.

    Raises Conflict for one that is archived or merged, Invalid for a new assignee who is inactive.
    """
    refuse_archived(before.document)
    if values.get("assigned_to") != before.document["assigned_to"]:
        USERS.refuse_inactive(session, values.get("assigned_to"))
    return RECORDS.change(session, CUSTOMER_UPDATED, before, with_customer_keys(session, values, before.document))


def assign_customer(session: Session, customer_id: int, version: int | None, user_id: int | None) -> Record:
    """Give a customer to somebody, or to nobody. Raises NotFound, PreconditionFailed, Conflict, Invalid."""
    return change_customer(session, expect_customer(session, customer_id, version), {"assigned_to": user_id})


def reassign_customer(session: Session, customer_id: int, user_id: int) -> Record:
    """Give a customer to an active user, on behalf of whoever decided that. Raises NotFound."""
    before = get_customer(session, customer_id, lock=True)
    return RECORDS.change(session, CUSTOMER_UPDATED, before, {"assigned_to": user_id})


def archive_customer(session: Session, customer_id: int, version: int) -> Record:
    """Hide the customer and its contacts from lists. Raises NotFound, PreconditionFailed, Conflict."""
    before = expect_customer(session, customer_id, version)
    refuse_archived(before.document)
    return RECORDS.archive(session, CUSTOMER_ARCHIVED, before, parts={CONTACTS: CONTACT_ARCHIVED})


def restore_customer(session: Session, customer_id: int, version: int | None) -> Record:
    """Bring an archived customer back, and its contacts with it. Raises NotFound, PreconditionFailed, Conflict."""
    before = expect_customer(session, customer_id, version)
    if before.document["merged_into"] is not None:
        raise Conflict("customer_merged", "The customer was merged into another one; undo the merge.")
    refuse_taken_name(session, before.document)
    return RECORDS.restore(session, CUSTOMER_RESTORED, before, parts={CONTACTS: CONTACT_RESTORED})


def refuse_taken_name(session: Session, called: Mapping[str, Any]) -> None:
    """Raise Conflict where another customer has the name, at the same company, that one is about to have."""
    name, company = called["name"], called["company_name"]
    taken = taken_names(session, [{"name": name, "company_name": company}]) if company is not None else {}
    if taken:
        detail = f"Customer {taken[(name, company)]} has this name at this company now; change that one's first."
        raise Conflict("customer_exists", detail)


@lru_cache(maxsize=256)
def _insert(names: frozenset[str]) -> Prepared:
    """One statement that draws the code if none is given, inserts, and answers as well what the company does about
    duplicates.
    """
    actor = bindparam("actor", type_=customers.c.created_by.type)
    values: dict[str, Any] = {"company_id": TENANT, "created_by": actor}
    values |= {name: bindparam(f"new_{name}", type_=customers.c[name].type) for name in sorted(names)}
    if "customer_code" in names:
        statement = insert(customers).values(values)
    else:
        draw = upsert(customer_codes).values(company_id=TENANT, last_number=1)
        drawn = draw.on_conflict_do_update(
            index_elements=["company_id"], set_={"last_number": customer_codes.c.last_number + 1}
        ).returning(customer_codes.c.last_number)
        number = drawn.cte("drawn")
        digits = cast(number.c.last_number, customers.c.customer_code.type)
        values["customer_code"] = literal("C-") + func.lpad(digits, func.greatest(6, func.length(digits)), "0")
        chosen = select(*(value.label(name) for name, value in values.items())).select_from(number)
        statement = insert(customers).from_select(list(values), chosen)
    company = COMPANY.table
    duplicates = select(company.c.settings.op("->>")(literal_column("'duplicates'"))).where(of_tenant(company))
    return Prepared(CUSTOMER.returning(statement).add_columns(duplicates.scalar_subquery()))
