"""Merging customers, and undoing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, select

from chassis import events
from chassis.context import current
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from chassis.tags import MOST_TAGS
from customers.commands.contacts import move_contacts, move_contacts_back, refuse_crowd
from customers.commands.customers import expect_customer, refuse_taken_name
from customers.events import (
    CUSTOMER_ARCHIVED,
    CUSTOMER_MERGE_CREATED,
    CUSTOMER_MERGE_UNDONE,
    CUSTOMER_MERGED,
    CUSTOMER_RESTORED,
    CUSTOMER_UPDATED,
)
from customers.models import USERS
from customers.models import customer_merges as merges
from customers.queries.customers import RECORDS as CUSTOMERS
from customers.queries.keys import with_customer_keys
from customers.queries.merges import RECORDS
from customers.rules.archiving import refuse_archived
from customers.rules.merging import UNDO_WINDOW, changed_fields, differences, merged_values, untouched

_STATES = Prepared(
    select(merges.c.before, merges.c.after, merges.c.contacts).where(
        of_tenant(merges),
        merges.c.id == bindparam("of_id", type_=BigInteger),
    )
)
_LATER = Prepared(
    select(merges.c.id, merges.c.before, merges.c.after)
    .where(
        of_tenant(merges),
        merges.c.customer_id == bindparam("of_customer", type_=BigInteger),
        merges.c.id > bindparam("of_id", type_=BigInteger),
        merges.c.undone_at.is_(None),
    )
    .order_by(merges.c.id.desc())
)
# Beside the ids of the contacts that each source had: which of them were primary ones.
_PRIMARY = "primary"


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

    Raises NotFound, PreconditionFailed where one has changed since, Conflict where one is archived or merged already or
    they have too many contacts together, Invalid for a choice that names no record of the merge, or an assignee who is
    inactive.
    """
    if customer_id in sources:
        raise _invalid("/from", "A customer cannot be merged into itself.")
    if strangers := set(choices.values()) - {customer_id, *sources}:
        raise _invalid("/fields", f"{sorted(strangers)} are not among the customers of this merge.")
    # In the order of their ids: two merges of the same records wait for each other, and never in a circle.
    locked = {
        known: expect_customer(session, known, seen)
        for known, seen in sorted({**sources, customer_id: version}.items())
    }
    for record in locked.values():
        refuse_archived(record.document)
    refuse_crowd(session, locked)
    documents = {known: record.document for known, record in locked.items()}
    others = [documents[source] for source in sources]
    values = merged_values(documents[customer_id], others, choices, MOST_TAGS)
    if not _may_assign(session, values) and "assigned_to" not in choices:
        del values["assigned_to"]
    USERS.refuse_inactive(session, values.get("assigned_to"))
    return Plan(
        target=locked[customer_id],
        sources=[locked[source] for source in sources],
        values=values,
        differences=differences(documents[customer_id], others),
    )


def merge_customers(session: Session, plan: Plan) -> tuple[Record, Record]:
    """Give the target its fields and the sources' contacts, and archive the sources; answers target and merge.

    The ids of the sources go on to resolve to the target, and the merge can be undone for a while.
    """
    USERS.ensure_actor(session)
    target = plan.target
    event_id = events.new_id()
    moved: dict[str, list[int]] = {_PRIMARY: []}
    for source in plan.sources:
        moved[str(source.id)], primary = move_contacts(session, source.id, target.id)
        moved[_PRIMARY] += primary
        hidden = {"archived_at": NOW, "archived_by_event": event_id, "merged_into": target.id}
        CUSTOMERS.change(session, CUSTOMER_ARCHIVED, source, hidden)
    if plan.values.keys() & {"name", "company_name"}:
        refuse_taken_name(session, {**target.document, **plan.values})
    after = CUSTOMERS.change(
        session,
        CUSTOMER_MERGED,
        target,
        with_customer_keys(session, dict(plan.values), target.document),
        event_id=event_id,
        more={"sources": [source.id for source in plan.sources]},
    )
    before = [record.document for record in (target, *plan.sources)]
    merge = RECORDS.create(
        session,
        CUSTOMER_MERGE_CREATED,
        {
            "customer_id": target.id,
            "sources": [source.id for source in plan.sources],
            "before": before,
            "after": after.document,
            "contacts": moved,
            "created_by": current().user_id,
        },
    )
    return after, merge


def undo_merge(session: Session, merge_id: int, version: int | None) -> Record:
    """Bring the sources back, and set back what the merge changed in the target and nobody has since.

    Raises NotFound, PreconditionFailed, Conflict when it is too late, when it was undone before, when the target is
    gone or archived, or when a later merge has given the same fields other values again: undone in that order, both
    leave nothing behind.
    """
    known = RECORDS.get(session, merge_id).document
    target_id = known["customer_id"]
    # The customers first, in the order of their ids, and then the merge, which goes when the target is purged.
    locked = {
        known_id: CUSTOMERS.get(session, known_id, lock=True) for known_id in sorted([target_id, *known["sources"]])
    }
    merge = RECORDS.expect(session, merge_id, version)
    known = merge.document
    if known["undone_at"] is not None:
        raise Conflict("merge_undone", "The merge was undone already.")
    if datetime.fromisoformat(known["created_at"]) + UNDO_WINDOW < datetime.now(UTC):
        raise Conflict("too_late", f"A merge can be undone for {UNDO_WINDOW.days} days.")
    states, merged, contacts = session.fetch(_STATES, of_id=merge_id)[0]
    target = locked[target_id]
    now = target.document
    refuse_archived(now)
    _refuse_merged_again(session, target_id, merge_id, changed_fields(merged, states[0]))
    back = untouched(merged, states[0], now)
    if not _may_assign(session, back):
        del back["assigned_to"]
    if back:
        CUSTOMERS.change(session, CUSTOMER_UPDATED, target, with_customer_keys(session, back, now))
    for source_id in known["sources"]:
        source = locked[source_id]
        if source.document["merged_into"] != target_id:
            continue
        refuse_taken_name(session, source.document)
        CUSTOMERS.restore(session, CUSTOMER_RESTORED, source, {"merged_into": None})
        only, primary = contacts[str(source_id)], contacts.get(_PRIMARY, ())
        move_contacts_back(session, target_id, source_id, only=only, primary=primary)
    return RECORDS.change(session, CUSTOMER_MERGE_UNDONE, merge, {"undone_at": NOW})


def _may_assign(session: Session, values: Mapping[str, Any]) -> bool:
    """Whether these values give the customer to nobody who is inactive: by no path does such a one get work."""
    assignee = values.get("assigned_to")
    return assignee is None or assignee in USERS.active_among(session, {assignee})


def _refuse_merged_again(session: Session, target_id: int, merge_id: int, fields: set[str]) -> None:
    """What a later merge would be undone to is what this one gave: it has to be undone first."""
    for later, states, merged in session.fetch(_LATER, of_customer=target_id, of_id=merge_id):
        if both := fields & changed_fields(merged, states[0]):
            raise Conflict("merged_again", f"Merge {later} has changed {min(both)} since; undo that one first.")


def _invalid(pointer: str, detail: str) -> Invalid:
    return Invalid("invalid_merge", detail, (FieldError(pointer, "invalid", detail),))
