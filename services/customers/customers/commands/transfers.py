"""Customers of somebody who was deactivated, handed over to others: begun by the event, carried on in small steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, Update, any_, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db import outbox
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.events import EventType
from customers.commands.customers import reassign_customer
from customers.events import CUSTOMER_TRANSFER_COMPLETED, CUSTOMER_TRANSFER_STARTED, SOURCE
from customers.models import customer_transfers, customers, user_refs
from customers.views import TRANSFER

BATCH = 100

_COLUMNS = ("user_id", "targets", "event_id", "correlation_id")
# The same event again adds nothing.
_START = Prepared(
    TRANSFER.returning(
        upsert(customer_transfers)
        .values(named_values(customer_transfers, _COLUMNS))
        .on_conflict_do_nothing(index_elements=["company_id", "event_id"])
    )
)
_THIS = (
    of_tenant(customer_transfers),
    customer_transfers.c.id == bindparam("of_id", type_=BigInteger),
)
_UNFINISHED = Prepared(TRANSFER.one(*_THIS, customer_transfers.c.finished_at.is_(None), lock=True))
# Under a lock that the next event about any of them has to wait for.
_PEOPLE = Prepared(
    select(user_refs.c.user_id, user_refs.c.is_active)
    .where(
        of_tenant(user_refs),
        user_refs.c.user_id == any_(bindparam("of_users", type_=ARRAY(BigInteger))),
    )
    .order_by(user_refs.c.user_id)
    .with_for_update(read=True)
)
# The archived ones keep their owner, who is part of what they were.
_CUSTOMERS = Prepared(
    select(customers.c.id)
    .where(
        of_tenant(customers),
        customers.c.assigned_to == bindparam("of_user", type_=BigInteger),
        customers.c.archived_at.is_(None),
    )
    .order_by(customers.c.id)
    .limit(BATCH)
    .with_for_update()
)


def _step(**values: Any) -> Update:
    added = customer_transfers.c.moved + bindparam("added", type_=Integer)
    return update(customer_transfers).where(*_THIS).values(moved=added, updated_at=func.now(), **values)


_PROGRESS = Prepared(_step())
_FINISH = Prepared(TRANSFER.returning(_step(finished_at=func.now(), version=customer_transfers.c.version + 1)))


def start_transfer(session: Session, user_id: int, plan: Mapping[str, Any] | None) -> None:
    """Begin to hand over the customers of a user as the event at hand says; nothing for a plan that keeps them."""
    way = (plan or {}).get("customers", {})
    targets = [way["to"]] if "to" in way else list(way.get("round_robin", ()))
    context = current()
    if not targets or context.causation_id is None:
        return
    row = session.fetch_one(
        _START,
        user_id=user_id,
        targets=targets,
        event_id=context.causation_id,
        correlation_id=context.request_id[:64],
    )
    if row is not None:
        _record(session, CUSTOMER_TRANSFER_STARTED, None, row)


def continue_transfer(session: Session, transfer_id: int) -> bool:
    """Hand over the next customers, in turn, to those of the targets who are active; False when there is no more to do.

    What was handed over is committed with its count, so it can stop after any step and go on from there. It ends
    early when the user is active again or none of the targets is any more, and waits for targets of whom no event has
    arrived yet.
    """
    row = session.fetch_one(_UNFINISHED, of_id=transfer_id)
    if row is None:
        return False
    state = orjson.loads(row[0])
    user_id, targets = state["user_id"], state["targets"]
    people = dict(session.fetch(_PEOPLE, of_users=[user_id, *targets]))
    if not people.keys() >= set(targets):
        return False
    active = [target for target in targets if people[target]]
    found = [] if people[user_id] or not active else session.fetch(_CUSTOMERS, of_user=user_id)
    for turn, (customer_id,) in enumerate(found, state["moved"]):
        reassign_customer(session, customer_id, active[turn % len(active)])
    if found:
        session.run(_PROGRESS, of_id=transfer_id, added=len(found))
        return True
    after = session.fetch(_FINISH, of_id=transfer_id, added=0)[0]
    _record(session, CUSTOMER_TRANSFER_COMPLETED, row[0], after)
    return False


def _record(session: Session, event_type: EventType, before: bytes | None, row: Sequence[Any]) -> None:
    after, transfer_id, version = row
    outbox.record(
        session, event_type, source=SOURCE, record_id=transfer_id, version=version, before=before, after=after
    )
