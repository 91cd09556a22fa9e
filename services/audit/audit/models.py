"""The tables of the audit service: one row per event, partitioned by the month in which it happened."""

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, PrimaryKeyConstraint, String, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import INET, JSONB

from audit import rules
from chassis.db.tables import chassis_tables, new_metadata

metadata = new_metadata()
chassis_tables(metadata)

audit_logs = Table(
    "audit_logs",
    metadata,
    Column("id", BigInteger, Identity(always=True), nullable=False),
    Column("company_id", BigInteger, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", String(200), nullable=False),
    Column("source", String(rules.LONGEST_SOURCE), nullable=False),
    Column("table_name", String(100), nullable=False),
    Column("record_id", BigInteger, nullable=False),
    # As long as an event type may be: an action that did not fit would be a change that nobody can look up.
    Column("action", String(200), nullable=False),
    Column("old_values", JSONB),
    Column("new_values", JSONB),
    Column("user_id", BigInteger),
    Column("ip_address", INET),
    Column("user_agent", Text),
    Column("request_id", String(rules.LONGEST_REQUEST_ID)),
    Column("created_at", DateTime(timezone=True), nullable=False),
    # A unique key of a partitioned table has to contain the partition key. An event's time never changes, so this is
    # as good as the event's id alone; and ids that grow with time keep the inserts at the right edge of the index.
    PrimaryKeyConstraint("event_id", "created_at"),
    info={"tenant": "company_id"},
    postgresql_partition_by="RANGE (created_at)",
)

# Every list is sorted by (created_at, id) within a tenant, so each index ends like that and serves the page as it lies.
_newest_first = (audit_logs.c.created_at.desc(), audit_logs.c.id.desc())
for _name, _columns in (
    ("created_at", ()),
    ("table_name_record_id", (audit_logs.c.table_name, audit_logs.c.record_id)),
    ("user_id", (audit_logs.c.user_id,)),
    ("action", (audit_logs.c.action,)),
    ("event_type", (audit_logs.c.event_type,)),
    ("source", (audit_logs.c.source,)),
    ("request_id", (audit_logs.c.request_id,)),
):
    Index(f"ix_audit_logs_company_id_{_name}", audit_logs.c.company_id, *_columns, *_newest_first)
