"""Everything that changes the audit log: rows are added, and the months ahead get their partitions."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import JSON, Text, bindparam, cast, column, func, select, text
from sqlalchemy.dialects.postgresql import insert

from audit import rules
from audit.models import audit_logs
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.events import Event

MONTHS_AHEAD = 3

_COLUMNS = [item for item in audit_logs.c if item.name != "id"]
_GIVEN = (
    func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    .table_valued(*(column(item.name, item.type) for item in _COLUMNS))
    .render_derived(name="given", with_types=True)
)
# One statement and one parameter for a batch of any size. The conflict clause is the net below the inbox; it names no
# columns, since that would need the right to read them, which the consumer's role does not have.
_INSERT = Prepared(
    insert(audit_logs)
    .from_select(
        [item.name for item in _COLUMNS],
        select(*(_GIVEN.c[item.name] for item in _COLUMNS)),
    )
    .on_conflict_do_nothing()
)
_WITHOUT_DEADLINE = Prepared(text("SET LOCAL statement_timeout = 0"))
_ENSURE_PARTITIONS = Prepared(select(func.ensure_audit_partitions(bindparam("months_ahead"))), writes=True)


def record_events(session: Session, events: Sequence[Event]) -> None:
    """Add a row for each event that has none yet."""
    # In one round trip with the commit.
    session.run_later(_INSERT, rows=orjson.dumps([_row(event) for event in events]).decode())


def ensure_partitions(session: Session) -> int:
    """Create the partitions that the next months and rows of earlier ones lack, and answer how many those were."""
    # After a long outage it moves the rows of whole months.
    session.run(_WITHOUT_DEADLINE)
    return int(session.fetch(_ENSURE_PARTITIONS, months_ahead=MONTHS_AHEAD)[0][0])


def _row(event: Event) -> dict[str, Any]:
    return {
        "company_id": event.company_id,
        "event_id": event.id,
        "event_type": event.type,
        "source": rules.text(event.source, rules.LONGEST_SOURCE),
        "table_name": event.table,
        "record_id": event.record_id,
        "action": event.action,
        "old_values": event.data.get("before"),
        "new_values": event.data.get("after"),
        "user_id": event.actor,
        "ip_address": rules.address(event.actor_ip),
        "user_agent": rules.text(event.user_agent),
        "request_id": rules.text(event.correlation_id, rules.LONGEST_REQUEST_ID),
        "created_at": event.time,
    }
