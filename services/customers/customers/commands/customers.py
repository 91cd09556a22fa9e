"""Everything that changes a customer, and the event that each change records."""

from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Integer, bindparam, cast, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis import events
from chassis.context import current, tenant
from chassis.db import outbox
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Conflict, PreconditionFailed
from customers.commands.user_references import refuse_inactive
from customers.events import CUSTOMER_ARCHIVED, CUSTOMER_CREATED, CUSTOMER_RESTORED, CUSTOMER_UPDATED, SOURCE
from customers.models import customer_codes, customers, user_refs
from customers.queries.customers import CUSTOMER, THIS_CUSTOMER, Customer, get_customer


def create_customer(session: Session, values: dict[str, Any]) -> Customer:
    """Create a customer; without a code it gets the company's next one. Raises Invalid for an inactive assignee."""
    refuse_inactive(session, values.get("assigned_to"))
    actor = current().user_id
    row = session.fetch(
        _insert(frozenset(values)), of_company=tenant(), actor=actor, **{f"new_{name}": values[name] for name in values}
    )[0]
    customer = Customer(*row)
    outbox.record(
        session,
        CUSTOMER_CREATED,
        source=SOURCE,
        record_id=customer.id,
        version=customer.version,
        before=None,
        after=customer.json,
    )
    return customer


def update_customer(session: Session, customer_id: int, version: int, values: dict[str, Any]) -> Customer:
    """Change the given fields of the state that the caller has seen. Raises NotFound, PreconditionFailed, Conflict."""
    before = _expect(session, customer_id, version)
    if _is_archived(before):
        raise Conflict("customer_archived", "The customer is archived; restore it first.")
    if values.get("assigned_to") != orjson.loads(before.json)["assigned_to"]:
        refuse_inactive(session, values.get("assigned_to"))
    return _change(session, CUSTOMER_UPDATED, before, values)


def reassign_customer(session: Session, customer_id: int, user_id: int) -> Customer:
    """Give a customer to an active user, on behalf of whoever decided that. Raises NotFound."""
    return _change(session, CUSTOMER_UPDATED, get_customer(session, customer_id, lock=True), {"assigned_to": user_id})


def archive_customer(session: Session, customer_id: int, version: int) -> Customer:
    """Hide the customer from lists; it can be restored. Raises NotFound, PreconditionFailed, Conflict."""
    before = _expect(session, customer_id, version)
    if _is_archived(before):
        raise Conflict("customer_archived", "The customer is archived already.")
    event_id = events.new_id()
    values = {"archived_at": func.now(), "archived_by_event": event_id}
    return _change(session, CUSTOMER_ARCHIVED, before, values, event_id=event_id)


def restore_customer(session: Session, customer_id: int) -> Customer:
    """Bring an archived customer back. Raises NotFound, Conflict."""
    before = get_customer(session, customer_id, lock=True)
    if not _is_archived(before):
        raise Conflict("customer_not_archived", "The customer is not archived.")
    return _change(session, CUSTOMER_RESTORED, before, {"archived_at": None, "archived_by_event": None})


def _expect(session: Session, customer_id: int, version: int) -> Customer:
    """Lock the customer and hold it against the version that the caller has seen."""
    customer = get_customer(session, customer_id, lock=True)
    if customer.version != version:
        raise PreconditionFailed(
            "stale_version",
            "The customer has changed since; get it again.",
            headers={"ETag": f'"{customer.version}"'},
        )
    return customer


def _change(
    session: Session,
    event_type: events.EventType,
    before: Customer,
    values: dict[str, Any],
    event_id: str | None = None,
) -> Customer:
    """Write `values` over the locked state `before` and record the event with both states."""
    plain = {name: value for name, value in values.items() if not isinstance(value, ColumnElement)}
    row = session.fetch(
        _update(frozenset(values), frozenset(values) - frozenset(plain)),
        of_company=tenant(),
        of_id=before.id,
        of_version=before.version,
        **{f"new_{name}": value for name, value in plain.items()},
    )[0]
    after = Customer(*row)
    outbox.record(
        session,
        event_type,
        source=SOURCE,
        record_id=after.id,
        version=after.version,
        before=before.json,
        after=after.json,
        event_id=event_id,
    )
    return after


def _is_archived(customer: Customer) -> bool:
    return orjson.loads(customer.json)["archived_at"] is not None


@lru_cache(maxsize=256)
def _insert(names: frozenset[str]) -> Prepared:
    """One statement that makes the actor known, draws the code if none is given, and inserts.

    The actor is known from the token before identity's event about them arrives; the foreign key is checked when the
    statement ends, so their reference may be made in it.
    """
    company = bindparam("of_company", type_=customers.c.company_id.type)
    actor = bindparam("actor", type_=customers.c.created_by.type)
    known = (
        upsert(user_refs).values(company_id=company, user_id=actor).on_conflict_do_nothing().cte("known", nesting=False)
    )
    values: dict[str, Any] = {"company_id": company, "created_by": actor}
    values |= {name: bindparam(f"new_{name}", type_=customers.c[name].type) for name in sorted(names)}
    if "customer_code" in names:
        statement = insert(customers).values(values)
    else:
        draw = upsert(customer_codes).values(company_id=company, last_number=1)
        drawn = draw.on_conflict_do_update(
            index_elements=["company_id"], set_={"last_number": customer_codes.c.last_number + 1}
        ).returning(customer_codes.c.last_number)
        number = drawn.cte("drawn")
        digits = cast(number.c.last_number, customers.c.customer_code.type)
        values["customer_code"] = literal("C-") + func.lpad(digits, func.greatest(6, func.length(digits)), "0")
        chosen = select(*(value.label(name) for name, value in values.items())).select_from(number)
        statement = insert(customers).from_select(list(values), chosen)
    return Prepared(CUSTOMER.returning(statement).add_cte(known))


@lru_cache(maxsize=256)
def _update(names: frozenset[str], now: frozenset[str]) -> Prepared:
    """Set the named columns (those in `now` to the transaction's time) where the version is still the expected one."""
    values: dict[str, Any] = {
        name: func.now() if name in now else bindparam(f"new_{name}", type_=customers.c[name].type)
        for name in sorted(names)
    }
    expected = customers.c.version == bindparam("of_version", type_=Integer())
    statement = update(customers).where(*THIS_CUSTOMER, expected)
    return Prepared(
        CUSTOMER.returning(statement.values(**values, version=customers.c.version + 1, updated_at=func.now()))
    )
