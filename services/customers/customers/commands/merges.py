"""Merging customers, and undoing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, bindparam, select

from chassis import events
from chassis.context import current, tenant
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Conflict, FieldError, Invalid, NotFound
from customers.commands.contacts import move_contacts
from customers.commands.customers import with_keys
from customers.commands.user_references import know_actor
from customers.events import (
    CUSTOMER_ARCHIVED,
    CUSTOMER_MERGED,
    CUSTOMER_RESTORED,
    CUSTOMER_UPDATED,
    MERGE_CREATED,
    MERGE_UNDONE,
)
from customers.models import merges
from customers.queries.customers import RECORDS as CUSTOMERS
from customers.queries.merges import RECORDS
from customers.rules import MOST_TAGS
from customers.rules.archiving import refuse_archived
from customers.rules.merging import UNDO_WINDOW, differences, merged_values, untouched

_STATES = Prepared(
    select(merges.c.before, merges.c.after, merges.c.contacts).where(
        merges.c.company_id == bindparam("of_company", type_=BigInteger),
        merges.c.id == bindparam("of_id", type_=BigInteger),
    )
)


@dataclass(frozen=True, slots=True)
class Plan:
    """The records of a merge under their locks, and what the target will be given."""

    target: Record
    sources: Sequence[Record]
    values: Mapping[str, Any]
    differences: Mapping[str, Any]


def plan_merge(
    session: Session,
    customer_id: int,
    version: int,
    sources: Mapping[int, int],
    choices: Mapping[str, int],
) -> Plan:
    """Lock the target and the sources (id to the version that was seen) and find what becomes of their fields.

    Raises NotFound, PreconditionFailed where one has changed since, Conflict where one is archived or merged already,
    Invalid for a choice that names no record of the merge.
    """
    if customer_id in sources:
        raise _invalid("/from", "A customer cannot be merged into itself.")
    if strangers := set(choices.values()) - {customer_id, *sources}:
        raise _invalid("/fields", f"{sorted(strangers)} are not among the customers of this merge.")
    # In the order of their ids: two merges of the same records wait for each other, and never in a circle.
    locked = {
        known: CUSTOMERS.expect(session, known, seen)
        for known, seen in sorted({**sources, customer_id: version}.items())
    }
    for record in locked.values():
        refuse_archived(orjson.loads(record.json))
    documents = {known: orjson.loads(record.json) for known, record in locked.items()}
    others = [documents[source] for source in sources]
    return Plan(
        target=locked[customer_id],
        sources=[locked[source] for source in sources],
        values=merged_values(documents[customer_id], others, choices, MOST_TAGS),
        differences=differences(documents[customer_id], others),
    )


def merge_customers(session: Session, plan: Plan) -> tuple[Record, Record]:
    """Give the target its fields and the sources' contacts, and archive the sources; answers target and merge.

    The ids of the sources go on to resolve to the target, and the merge can be undone for a while.
    """
    know_actor(session)
    target = plan.target
    event_id = events.new_id()
    moved: dict[int, list[int]] = {}
    for source in plan.sources:
        moved[source.id] = move_contacts(session, source.id, target.id)
        hidden = {"archived_at": NOW, "archived_by_event": event_id, "merged_into": target.id}
        CUSTOMERS.change(session, CUSTOMER_ARCHIVED, source, hidden)
    after = CUSTOMERS.change(session, CUSTOMER_MERGED, target, with_keys(session, dict(plan.values)), event_id=event_id)
    before = [orjson.loads(record.json) for record in (target, *plan.sources)]
    merge = RECORDS.create(
        session,
        MERGE_CREATED,
        {
            "customer_id": target.id,
            "sources": [source.id for source in plan.sources],
            "before": before,
            "after": orjson.loads(after.json),
            "contacts": {str(source): ids for source, ids in moved.items()},
            "created_by": current().user_id,
        },
    )
    return after, merge


def undo_merge(session: Session, merge_id: int) -> Record:
    """Bring the sources back, and set back what the merge changed in the target and nobody has since.

    Raises NotFound, Conflict when it is too late, when it was undone before or when the target is gone or archived.
    """
    merge = RECORDS.get(session, merge_id, lock=True)
    known = orjson.loads(merge.json)
    if known["undone_at"] is not None:
        raise Conflict("merge_undone", "The merge was undone already.")
    if datetime.fromisoformat(known["created_at"]) + UNDO_WINDOW < datetime.now(UTC):
        raise Conflict("too_late", f"A merge can be undone for {UNDO_WINDOW.days} days.")
    states, merged, contacts = session.fetch(_STATES, of_company=tenant(), of_id=merge_id)[0]
    target_id = known["customer_id"]
    locked: dict[int, Record] = {}
    for known_id in sorted([target_id, *known["sources"]]):
        try:
            locked[known_id] = CUSTOMERS.get(session, known_id, lock=True)
        except NotFound:  # A source that was purged since stays gone, and does not keep the others from coming back.
            if known_id == target_id:
                raise
    target = locked[target_id]
    now = orjson.loads(target.json)
    refuse_archived(now)
    if back := untouched(merged, states[0], now):
        CUSTOMERS.change(session, CUSTOMER_UPDATED, target, with_keys(session, back))
    for source_id in known["sources"]:
        source = locked.get(source_id)
        if source is None or orjson.loads(source.json)["merged_into"] != target_id:
            continue
        shown = {"archived_at": None, "archived_by_event": None, "merged_into": None}
        CUSTOMERS.change(session, CUSTOMER_RESTORED, source, shown)
        move_contacts(session, target_id, source_id, only=contacts[str(source_id)])
    return RECORDS.change(session, MERGE_UNDONE, merge, {"undone_at": NOW})


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid("invalid_merge", detail, (FieldError(pointer, "invalid", detail),))
