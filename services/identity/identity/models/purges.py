"""Members who were purged, by their numbers alone."""

from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Index, String, UniqueConstraint, Uuid

from chassis.db.tables import one_of, tenant_table
from chassis.purges import ACTIVITIES
from identity.models.metadata import metadata

# Who was purged, by whom, and by which event: by that the other services know the purge.
member_purges = tenant_table(
    "member_purges",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("transfer_to", BigInteger),
    Column("activities", String(10), nullable=False),
    Column("created_by", BigInteger),
    Column("event_id", Uuid(as_uuid=False), nullable=False),
    ForeignKeyConstraint(["company_id"], ["companies.id"], ondelete="CASCADE"),
    one_of("activities", ACTIVITIES),
    UniqueConstraint("company_id", "event_id"),
    Index("ix_member_purges_company_id_user_id", "company_id", "user_id", "id"),
)
