"""Leads on their way to customers and deals."""

from sqlalchemy import BigInteger, Boolean, Column, Index, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import given_only, linked, one_of, part_of, tenant_table, timestamp
from pipeline import rules
from pipeline.models.metadata import metadata
from pipeline.models.references import USERS

conversions = tenant_table(
    "conversions",
    metadata,
    Column("lead_id", BigInteger, nullable=False),
    Column("state", String(20), nullable=False, server_default="converting"),
    # What is to become of customer, contact and deal, as it was validated.
    Column("wishes", JSONB, nullable=False),
    Column("assigned_to", BigInteger),
    # What was there before, and what was made: undoing goes by both.
    Column("lead_version", BigInteger, nullable=False),
    Column("customer_id", BigInteger),
    Column("contact_id", BigInteger),
    Column("deal_id", BigInteger),
    Column("deal_version", BigInteger),
    Column("deal_created", Boolean, nullable=False, server_default=text("false")),
    # The documents that customers made, in the versions that it made them with; null where it had nothing to do.
    Column("result", JSONB),
    Column("error_code", String(60)),
    Column("error_detail", Text),
    Column("candidates", JSONB(none_as_null=True)),
    # What was kept when it was undone, because somebody had changed it.
    Column("kept", JSONB(none_as_null=True)),
    # On whose behalf it goes on.
    Column("own_only", Boolean, nullable=False, server_default=text("false")),
    Column("correlation_id", String(64), nullable=False),
    Column("event_id", Uuid(as_uuid=False)),
    Column("created_by", BigInteger),
    timestamp("finished_at"),
    timestamp("undone_at"),
    one_of("state", rules.CONVERSION_STATES),
    part_of("leads", "lead_id"),
    linked("deals", "deal_id"),
    USERS.foreign_key("assigned_to", ondelete="SET NULL"),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    # One live conversion of a lead at a time.
    Index("uq_conversions_lead", "company_id", "lead_id", unique=True, postgresql_where=text("state = 'converting'")),
    Index("ix_conversions_lead_id", "company_id", "lead_id", "created_at", "id"),
    Index("ix_conversions_company_id_created_at", "company_id", "created_at", "id"),
    Index("ix_conversions_state", "company_id", "state", "created_at", "id"),
    # How long the oldest has been waiting, over all companies.
    Index("ix_conversions_converting", "created_at", postgresql_where=text("state = 'converting'")),
    given_only("conversions", "customer_id"),
    given_only("conversions", "deal_id"),
    given_only("conversions", "assigned_to"),
    given_only("conversions", "created_by"),
)
