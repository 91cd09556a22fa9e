"""What is known of other services' records: whose they are decides who may see what hangs on them."""

from sqlalchemy import BigInteger, Column, DateTime, Index, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.references import CompanyReference, Reference, UserReference, tombstones_table
from tasks.models.metadata import metadata

ref_tombstones = tombstones_table(metadata)

COMPANY = CompanyReference(
    metadata,
    Column("status", String(20), nullable=False, server_default="active"),
    Column("time_zone", String(64), nullable=False, server_default="UTC"),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
)
USERS = UserReference(metadata)


def _owners() -> tuple[Column[object], ...]:
    return (
        Column("assigned_to", BigInteger),
        Column("created_by", BigInteger),
        Column("archived_at", DateTime(timezone=True)),
    )


def _archiving() -> tuple[Column[object], ...]:
    """The event that has hidden a record, so that its return brings back exactly what went with it."""
    return (Column("archived_by_event", Uuid(as_uuid=False)),)


CUSTOMERS = Reference(
    "customer",
    metadata,
    Column("name", String(255)),
    Column("status", String(20)),
    *_owners(),
    Column("merged_into", BigInteger),
    owner="customers",
    tombstones=ref_tombstones,
    actions=("created", "updated", "archived", "restored", "merged"),
    local=_archiving(),
)
# No foreign keys among the references: their events come in no order.
LEADS = Reference(
    "lead",
    metadata,
    Column("lead_name", String(255)),
    Column("status", String(50)),
    Column("customer_id", BigInteger),
    *_owners(),
    owner="pipeline",
    tombstones=ref_tombstones,
    local=_archiving(),
    actions=(
        "created",
        "updated",
        "stage_changed",
        "reordered",
        "lost",
        "reopened",
        "converted",
        "archived",
        "restored",
    ),
)
DEALS = Reference(
    "deal",
    metadata,
    Column("deal_name", String(255)),
    Column("status", String(50)),
    Column("customer_id", BigInteger),
    Column("lead_id", BigInteger),
    *_owners(),
    owner="pipeline",
    tombstones=ref_tombstones,
    local=_archiving(),
    actions=("created", "updated", "stage_changed", "reordered", "won", "lost", "reopened", "archived", "restored"),
)
REFERENCES = (COMPANY, USERS, CUSTOMERS, LEADS, DEALS)

company_refs, user_refs = COMPANY.table, USERS.table
customer_refs, lead_refs, deal_refs = CUSTOMERS.table, LEADS.table, DEALS.table
customer_refs.append_constraint(Index("ix_customer_refs_merged_into", "company_id", "merged_into"))
deal_refs.append_constraint(Index("ix_deal_refs_lead_id", "company_id", "lead_id"))
