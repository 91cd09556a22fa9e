"""Everything that reads the audit log, always within the tenant."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from audit.views import AUDIT_LOG
from chassis.db.kinds import INTEGER, TEXT, TIMESTAMP
from chassis.db.listing import Listing
from chassis.db.session import Database
from chassis.healing.known import Known

# A log only grows: what no index can serve, such as a part of a word, would read a tenant's whole history.
_NAME = replace(TEXT, operators=("eq", "in"))
_ID = replace(INTEGER, operators=("eq", "in"))

AUDIT_LOGS = Listing(
    AUDIT_LOG,
    filters={
        "table_name": _NAME,
        "record_id": _ID,
        "action": _NAME,
        "user_id": _ID,
        "event_type": _NAME,
        "source": _NAME,
        "request_id": _NAME,
        "created_at": replace(TIMESTAMP, operators=("gte", "gt", "lte", "lt")),
    },
    sorts=("created_at",),
)

# For operators alone: of all tenants, which only the tables' owner sees. A record's ids are drawn for its whole table.
_LAST_KNOWN = """
    WITH told AS (
        SELECT event_id, created_at, id, table_name, record_id, action,
            greatest(
                coalesce(CAST(new_values ->> 'version' AS integer), 0),
                coalesce(CAST(old_values ->> 'version' AS integer) + 1, 0)
            ) AS version
        FROM audit_logs WHERE source = %s AND created_at >= %s
    ), last AS (
        SELECT DISTINCT ON (table_name, record_id) event_id, created_at, version,
            array_agg(action) OVER (PARTITION BY table_name, record_id) AS actions
        FROM told WHERE version > 0 ORDER BY table_name, record_id, version DESC, created_at DESC, id DESC
    )
    SELECT l.company_id, l.table_name, l.record_id, last.version, l.event_type, last.actions, l.new_values IS NULL,
        coalesce(l.new_values, l.old_values)
    FROM last JOIN audit_logs l USING (event_id, created_at) ORDER BY l.created_at, l.id
"""


def last_known(database: Database, source: str, since: datetime) -> Iterator[Known]:
    """The last that was told of each record of `source` that something was told of since then, oldest first."""
    with database.transaction() as session:
        connection = session.writer.open_connection()
        # It reads whole months, once.
        connection.execute("SET LOCAL statement_timeout = 0")
        with connection.cursor(name="last_known") as cursor:
            for row in cursor.execute(_LAST_KNOWN, (source, since)):
                company_id, table, number, version, event_type, actions, removed, document = row
                happened = tuple(sorted(set(actions)))
                yield Known(company_id, table, number, version, event_type, happened, removed, document)
