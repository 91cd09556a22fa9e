"""Recording an event in the transaction of the change it tells of (transactional outbox)."""

from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
from sqlalchemy import Table, bindparam, insert

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


def _changed(before: bytes | None, after: bytes | None) -> list[str]:
    if before is None or after is None:
        return []
    old, new = orjson.loads(before), orjson.loads(after)
    return [name for name in new if new[name] != old.get(name) and name not in _BOOKKEEPING]
