"""Recording an event in the transaction of the change it tells of (transactional outbox)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import ARRAY, BigInteger, Integer, LargeBinary, Table, Uuid, bindparam, column, func, insert, select
from sqlalchemy.types import TypeEngine

from chassis import events
from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.db.tables import CHASSIS

OUTBOX: Table = CHASSIS.tables["outbox"]

_COLUMNS = (
    "event_id",
    "company_id",
    "aggregate_type",
    "aggregate_id",
    "aggregate_version",
    "type",
    "routing_key",
    "correlation_id",
    "body",
    "occurred_at",
)
_BOOKKEEPING = {"version", "updated_at"}
_INSERT = Prepared(insert(OUTBOX).values({name: bindparam(name, type_=OUTBOX.c[name].type) for name in _COLUMNS}))
# What differs from one event of a statement to the next, as arrays of equal length.
_DIFFERING: dict[str, TypeEngine[Any]] = {
    "event_id": Uuid(as_uuid=False),
    "aggregate_id": BigInteger(),
    "aggregate_version": Integer(),
    "body": LargeBinary(),
}
_each = (
    func.unnest(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _DIFFERING.items()))
    .table_valued(*(column(name, kind) for name, kind in _DIFFERING.items()))
    .render_derived(name="e")
)
_INSERT_MANY = Prepared(
    insert(OUTBOX).from_select(
        list(_COLUMNS),
        select(
            *(
                _each.c[name] if name in _DIFFERING else bindparam(name, type_=OUTBOX.c[name].type).label(name)
                for name in _COLUMNS
            )
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Change:
    """One record's change: its id, its version after it, and its JSON texts before and after."""

    record_id: int
    version: int
    before: bytes | None
    after: bytes | None


def record(
    session: Session,
    event_type: events.EventType,
    *,
    source: str,
    record_id: int,
    version: int,
    before: bytes | None,
    after: bytes | None,
    changed: Sequence[str] | None = None,
    event_id: str | None = None,
) -> str:
    """Store the event's exact bytes beside the change; answers the event's id.

    Write or lock the record first: then transactions on one record queue up behind its row, and its events' ids
    follow the order of their commits. `before` and `after` are the JSON texts of the record, `version` its version
    after the change; `changed` names the fields that differ and is found by comparing them when it is not given.
    `event_id` is given where the record itself names the event. Raises LookupError outside of
    a tenant.
    """
    company_id = tenant()
    event_id = event_id or events.new_id()
    occurred_at = datetime.now(UTC)
    body = events.encode(
        event_type,
        source=source,
        event_id=event_id,
        occurred_at=occurred_at,
        record_id=record_id,
        aggregate_version=version,
        context=current(),
        before=before,
        after=after,
        changed=_changed(before, after) if changed is None else changed,
    )
    session.run(
        _INSERT,
        event_id=event_id,
        company_id=company_id,
        aggregate_type=event_type.table,
        aggregate_id=record_id,
        aggregate_version=version,
        type=event_type.name,
        routing_key=event_type.routing_key(company_id),
        correlation_id=current().request_id[:64],
        body=body,
        occurred_at=occurred_at,
    )
    return event_id


def record_many(session: Session, event_type: events.EventType, *, source: str, changes: Sequence[Change]) -> None:
    """Store the events of many changes of one type in one statement; otherwise as `record`."""
    if not changes:
        return
    company_id, context, occurred_at = tenant(), current(), datetime.now(UTC)
    ids = [events.new_id() for _ in changes]
    bodies = [
        events.encode(
            event_type,
            source=source,
            event_id=event_id,
            occurred_at=occurred_at,
            record_id=change.record_id,
            aggregate_version=change.version,
            context=context,
            before=change.before,
            after=change.after,
            changed=_changed(change.before, change.after),
        )
        for event_id, change in zip(ids, changes, strict=True)
    ]
    session.run(
        _INSERT_MANY,
        event_id=ids,
        company_id=company_id,
        aggregate_type=event_type.table,
        aggregate_id=[change.record_id for change in changes],
        aggregate_version=[change.version for change in changes],
        type=event_type.name,
        routing_key=event_type.routing_key(company_id),
        correlation_id=context.request_id[:64],
        body=bodies,
        occurred_at=occurred_at,
    )


def _changed(before: bytes | None, after: bytes | None) -> list[str]:
    if before is None or after is None:
        return []
    old, new = orjson.loads(before), orjson.loads(after)
    return [name for name in new if new[name] != old.get(name) and name not in _BOOKKEEPING]
