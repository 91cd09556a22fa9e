"""Everything that reads the audit log, always within the tenant."""

from dataclasses import replace

from audit.views import AUDIT_LOG
from chassis.db.kinds import INTEGER, TEXT, TIMESTAMP
from chassis.db.listing import Listing

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
