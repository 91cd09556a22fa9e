"""What is known of other services' records."""

from sqlalchemy import BigInteger, Column, DateTime, Index, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.references import CompanyReference, Reference, UserReference, tombstones_table
from pipeline.models.metadata import metadata

ref_tombstones = tombstones_table(metadata)

COMPANY = CompanyReference(
    metadata,
    Column("default_currency", String(3), nullable=False, server_default="USD"),
    Column("time_zone", String(64), nullable=False, server_default="UTC"),
    Column("region", String(2)),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
)
USERS = UserReference(metadata)
CUSTOMERS = Reference(
    "customer",
    metadata,
    Column("name", String(255)),
    Column("assigned_to", BigInteger),
    Column("created_by", BigInteger),
    Column("archived_at", DateTime(timezone=True)),
    Column("merged_into", BigInteger),
    owner="customers",
    tombstones=ref_tombstones,
    actions=("created", "updated", "archived", "restored", "merged"),
    # The event that archived it, so that its return brings back exactly what went with it.
    local=(Column("archived_by_event", Uuid(as_uuid=False)),),
)
REFERENCES = (COMPANY, USERS, CUSTOMERS)

company_refs, user_refs, customer_refs = COMPANY.table, USERS.table, CUSTOMERS.table
customer_refs.append_constraint(Index("ix_customer_refs_merged_into", "company_id", "merged_into"))
