"""Everything that changes the audit log: rows are added, and the months ahead get their partitions."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    Integer,
    LargeBinary,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from audit import rules
from audit.models import audit_logs
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.events import Event

MONTHS_AHEAD = 3

# The documents come in one piece, and each row says where its own are. Within the rows PostgreSQL would read them
# twice: a fifth of what a row costs it.
_DOCUMENTS = ("old_values", "new_values")
_COLUMNS = [item for item in audit_logs.c if item.name not in ("id", *_DOCUMENTS)]
_GIVEN = (
    func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    .table_valued(
        *(column(item.name, item.type) for item in _COLUMNS),
        *(column(f"{name}_{what}", Integer) for name in _DOCUMENTS for what in ("begins", "length")),
    )
    .render_derived(name="given", with_types=True)
)


def _document(name: str) -> ColumnElement[Any]:
    begins, length = _GIVEN.c[f"{name}_begins"], _GIVEN.c[f"{name}_length"]
    piece = func.substring(bindparam("documents", type_=LargeBinary), begins, length)
    return cast(func.convert_from(piece, literal_column("'UTF8'")), JSONB)


# One statement for a batch of any size. The conflict clause is the net below the inbox; it names no columns, since that
# would need the right to read them, which the consumer's role does not have.
_INSERT = Prepared(
    insert(audit_logs)
    .from_select(
        [*(item.name for item in _COLUMNS), *_DOCUMENTS],
        select(*(_GIVEN.c[item.name] for item in _COLUMNS), *(_document(name) for name in _DOCUMENTS)),
    )
    .on_conflict_do_nothing()
)
_WITHOUT_DEADLINE = Prepared(text("SET LOCAL statement_timeout = 0"))
_ENSURE_PARTITIONS = Prepared(select(func.ensure_audit_partitions(bindparam("months_ahead"))), writes=True)


def record_events(session: Session, events: Sequence[Event]) -> None:
    """Add a row for each event that has none yet."""
    documents = _Pieces()
    rows = [_row(event) | documents.add(event) for event in events]
    # In one round trip with the commit.
    session.run_later(_INSERT, rows=orjson.dumps(rows).decode(), documents=b"".join(documents.pieces))


def ensure_partitions(session: Session) -> int:
    """Create the partitions that the next months and rows of earlier ones lack, and answer how many those were."""
    # After a long outage it moves the rows of whole months.
    session.run(_WITHOUT_DEADLINE)
    return int(session.fetch(_ENSURE_PARTITIONS, months_ahead=MONTHS_AHEAD)[0][0])


class _Pieces:
    """The documents of a batch, one behind the other."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self._begins = 1

    def add(self, event: Event) -> dict[str, int]:
        """Take up an event's documents, and answer where they are; nothing of one that there is not."""
        places: dict[str, int] = {}
        for name, piece in zip(_DOCUMENTS, event.documents(), strict=True):
            if piece is not None:
                places |= {f"{name}_begins": self._begins, f"{name}_length": len(piece)}
                self.pieces.append(piece)
                self._begins += len(piece)
        return places


def _row(event: Event) -> dict[str, Any]:
    return {
        "company_id": event.company_id,
        "event_id": event.id,
        "event_type": event.type,
        "source": rules.text(event.source, rules.LONGEST_SOURCE),
        "table_name": event.table,
        "record_id": event.record_id,
        "action": event.action,
        "user_id": event.actor,
        "ip_address": rules.address(event.actor_ip),
        "user_agent": rules.text(event.user_agent),
        "request_id": rules.text(event.correlation_id, rules.LONGEST_REQUEST_ID),
        "created_at": event.time,
    }
