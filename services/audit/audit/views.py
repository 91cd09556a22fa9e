"""What an entry of the audit log shows."""

from audit.models import audit_logs
from chassis.db.json_view import JsonView

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
        "source",
        "request_id",
        "created_at",
    ),
)
