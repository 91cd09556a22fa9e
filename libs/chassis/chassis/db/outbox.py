"""Recording an event in the transaction of the change it tells of (transactional outbox)."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    bindparam,
    column,
    func,
    insert,
    literal_column,
    select,
)
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.types import TypeEngine

from chassis import events
from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, named_values
from chassis.db.tables import CHASSIS

OUTBOX: Table = CHASSIS.tables["outbox"]

_COLUMNS = (
    "company_id",
    "event_id",
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
_COMMON: dict[str, ColumnElement[Any]] = {
    name: (TENANT if name == "company_id" else bindparam(name, type_=OUTBOX.c[name].type)).label(name)
    for name in _COLUMNS
}
_INSERT = Prepared(insert(OUTBOX).values(named_values(OUTBOX, _COLUMNS[1:])))
# What differs from one event of a statement to the next, as arrays of equal length; the bodies come in one piece, since
# an array of them would be written and read as text.
_DIFFERING: dict[str, TypeEngine[Any]] = {
    "event_id": Uuid(as_uuid=False),
    "aggregate_id": BigInteger(),
    "aggregate_version": Integer(),
    "begins": Integer(),
    "length": Integer(),
}
_each = (
    func.unnest(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _DIFFERING.items()))
    .table_valued(*(column(name, kind) for name, kind in _DIFFERING.items()))
    .render_derived(name="e")
)
_VALUES: dict[str, ColumnElement[Any]] = {
    name: _each.c[name] if name in _DIFFERING else _COMMON[name] for name in _COLUMNS
}
_VALUES["body"] = func.substring(bindparam("bodies", type_=LargeBinary), _each.c.begins, _each.c.length).label("body")
_INSERT_MANY = Prepared(insert(OUTBOX).from_select(list(_COLUMNS), select(*_VALUES.values())))


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
    more: Mapping[str, Any] | None = None,
) -> str:
    """Store the event's exact bytes beside the change; answers the event's id.

    Write or lock the record first: then transactions on one record queue up behind its row, and its events' ids
    follow the order of their commits. `before` and `after` are the JSON texts of the record, `version` its version
    after the change; `changed` names the fields that differ and is found by comparing them when it is not given.
    `event_id` is given where the record itself names the event; `more` are further members of the data. Raises
    LookupError outside of a tenant.
    """
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
        more=more,
    )
    session.run_later(
        _INSERT,
        **_common(event_type, occurred_at),
        event_id=event_id,
        aggregate_id=record_id,
        aggregate_version=version,
        body=body,
    )
    return event_id


def record_many(session: Session, event_type: events.EventType, *, source: str, changes: Sequence[Change]) -> None:
    """Store the events of many changes of one type in one statement; otherwise as `record`."""
    if not changes:
        return
    context, occurred_at = current(), datetime.now(UTC)
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
    lengths = [len(body) for body in bodies]
    session.run_later(
        _INSERT_MANY,
        **_common(event_type, occurred_at),
        event_id=ids,
        aggregate_id=[change.record_id for change in changes],
        aggregate_version=[change.version for change in changes],
        begins=[1, *(1 + end for end in accumulate(lengths[:-1]))],
        length=lengths,
        bodies=b"".join(bodies),
    )


def recording_created(created: CTE) -> CTE:
    """An INSERT that records the event of each row of `created` (document, id, version) in the same statement.

    Its parameters are `creation_parameters`; the events' bodies are put together by PostgreSQL, and the records need
    not leave it.
    """
    number = func.row_number().over()
    texts = [bindparam(f"text{index}", type_=Text) for index in range(5)]
    event_id = Grouping(bindparam("event_ids", type_=ARRAY(Uuid(as_uuid=False))))[number]
    row = created.c
    body = func.concat(texts[0], event_id, texts[1], row.id, texts[2], row.version, texts[3], row.document, texts[4])
    values = _COMMON | {"event_id": event_id, "aggregate_id": row.id, "aggregate_version": row.version}
    values["body"] = func.convert_to(body, literal_column("'UTF8'"))
    chosen = select(*values.values()).select_from(created)
    return insert(OUTBOX).inline().from_select(list(_COLUMNS), chosen).cte("events")


def creation_parameters(event_type: events.EventType, source: str, count: int) -> dict[str, Any]:
    """The parameters of `recording_created` for so many records."""
    occurred_at = datetime.now(UTC)
    # An envelope like every other, cut where the events differ. A client chooses some of its texts, so the marks are
    # ones that nobody can know beforehand.
    event_id, document = events.new_id(), events.new_id()
    record_id, version = (10**18 + secrets.randbelow(10**18) for _ in range(2))
    body = events.encode(
        event_type,
        source=source,
        event_id=event_id,
        occurred_at=occurred_at,
        record_id=record_id,
        aggregate_version=version,
        context=current(),
        before=None,
        after=document.encode(),
        changed=(),
    ).decode()
    texts = []
    for mark in (event_id, str(record_id), str(version), document):
        text, found, body = body.partition(mark)
        assert found
        texts.append(text)
    common = _common(event_type, occurred_at)
    fragments = {f"text{index}": text for index, text in enumerate([*texts, body])}
    return common | fragments | {"event_ids": [events.new_id() for _ in range(count)]}


def _common(event_type: events.EventType, occurred_at: datetime) -> dict[str, Any]:
    return {
        "aggregate_type": event_type.table,
        "type": event_type.name,
        "routing_key": event_type.routing_key(tenant()),
        "correlation_id": current().request_id[:64],
        "occurred_at": occurred_at,
    }


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The fields in which two documents of a record differ, but for those that every change writes."""
    return [name for name in new if new[name] != old.get(name) and name not in _BOOKKEEPING]


def _changed(before: bytes | None, after: bytes | None) -> list[str]:
    if before is None or after is None:
        return []
    return changed_fields(orjson.loads(before), orjson.loads(after))
