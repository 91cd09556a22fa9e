"""Everything that reads the audit log, always within the tenant."""

from dataclasses import replace

from audit.models import audit_logs
from chassis.db.json_view import JsonView
from chassis.db.kinds import INTEGER, TEXT, TIMESTAMP
from chassis.db.listing import Listing

AUDIT_LOG = JsonView(
    audit_logs,
    (
        "id",
        "action",
        "table_name",
        "record_id",
        "old_values",
        "new_values",
        "user_id",
        "ip_address",
        "user_agent",
        "event_id",
        "event_type",
        "request_id",
        "created_at",
    ),
)

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
        "request_id": _NAME,
        "created_at": replace(TIMESTAMP, operators=("gte", "gt", "lte", "lt")),
    },
    sorts=("created_at",),
)
