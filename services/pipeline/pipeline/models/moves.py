"""Records on their way: to other owners, to the customer that theirs was merged into, and out of the system."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Uuid

from chassis.db.tables import part_of, tenant_table
from chassis.purges import purges_table
from chassis.reference_purges import reference_purges_table
from chassis.transfers import transfer_table
from pipeline.models.metadata import metadata
from pipeline.models.references import USERS

lead_transfers = transfer_table("lead_transfers", metadata, USERS)
deal_transfers = transfer_table("deal_transfers", metadata, USERS)

user_purges = purges_table(metadata)

# Whose leads and deals went to another customer by a merge, so that its undoing gives back exactly these.
customer_moves = tenant_table(
    "customer_moves",
    metadata,
    Column("lead_id", BigInteger),
    Column("deal_id", BigInteger),
    Column("from_customer_id", BigInteger, nullable=False),
    Column("to_customer_id", BigInteger, nullable=False),
    Column("event_id", Uuid(as_uuid=False), nullable=False),
    CheckConstraint("num_nonnulls(lead_id, deal_id) = 1", name="record"),
    part_of("leads", "lead_id"),
    part_of("deals", "deal_id"),
    Index("ix_customer_moves_from", "company_id", "from_customer_id", "to_customer_id"),
    Index("ix_customer_moves_lead_id", "company_id", "lead_id"),
    Index("ix_customer_moves_deal_id", "company_id", "deal_id"),
)

# Customers that were purged: the worker removes their leads and deals one by one, each with its event.
customer_purges = reference_purges_table("customer", metadata, pending="customer_id")
