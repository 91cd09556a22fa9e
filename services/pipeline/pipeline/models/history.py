"""What happened to leads and deals, why they were lost, and what money was worth."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    Numeric,
    String,
    Uuid,
    text,
)

from chassis.db.tables import given_only, part_of, tenant_table, timestamp
from pipeline.models.metadata import metadata
from pipeline.models.references import USERS

# A stage can go, what happened cannot: names and kinds are copies.
stage_history = tenant_table(
    "stage_history",
    metadata,
    Column("lead_id", BigInteger),
    Column("deal_id", BigInteger),
    Column("pipeline_id", BigInteger),
    Column("from_stage_id", BigInteger),
    Column("to_stage_id", BigInteger),
    Column("from_name", String(100)),
    Column("from_kind", String(50)),
    # Null for a stage of leads, which have no codes.
    Column("to_code", String(50)),
    Column("to_name", String(100), nullable=False),
    Column("to_kind", String(50), nullable=False),
    timestamp("entered_at", default=True),
    timestamp("left_at"),
    Column("moved_by", BigInteger),
    Column("value", Numeric(15, 2)),
    Column("currency", String(10), nullable=False),
    Column("probability", Integer),
    Column("status", String(50), nullable=False),
    # Moved along with a stage that was deleted: nothing happened to the record.
    Column("administrative", Boolean, nullable=False, server_default=text("false")),
    Column("event_id", Uuid(as_uuid=False)),
    CheckConstraint("num_nonnulls(lead_id, deal_id) = 1", name="record"),
    CheckConstraint("left_at >= entered_at", name="left_at"),
    part_of("leads", "lead_id"),
    part_of("deals", "deal_id"),
    USERS.foreign_key("moved_by", ondelete="SET NULL"),
    # One row that is not left yet for each record: the stage that it is in.
    Index(
        "uq_stage_history_open_lead",
        "company_id",
        "lead_id",
        unique=True,
        postgresql_where=text("left_at IS NULL AND lead_id IS NOT NULL"),
    ),
    Index(
        "uq_stage_history_open_deal",
        "company_id",
        "deal_id",
        unique=True,
        postgresql_where=text("left_at IS NULL AND deal_id IS NOT NULL"),
    ),
    Index(
        "ix_stage_history_lead_id",
        "company_id",
        "lead_id",
        "entered_at",
        "id",
        postgresql_where=text("lead_id IS NOT NULL"),
    ),
    Index(
        "ix_stage_history_of_deal",
        "company_id",
        "deal_id",
        "entered_at",
        "id",
        postgresql_include=["pipeline_id", "to_stage_id", "to_kind", "left_at", "administrative"],
        postgresql_where=text("deal_id IS NOT NULL"),
    ),
    # How long deals were in the stages that they left in a time, and which were open then. Reports read this index and
    # no row of the table.
    Index(
        "ix_stage_history_left_at",
        "company_id",
        "pipeline_id",
        "to_kind",
        "left_at",
        postgresql_include=["deal_id", "to_stage_id", "entered_at", "administrative"],
        postgresql_where=text("deal_id IS NOT NULL"),
    ),
    given_only("stage_history", "moved_by"),
)

# Each day that an open deal was expected to close by: the first with it, or with the change.
close_date_history = tenant_table(
    "close_date_history",
    metadata,
    Column("deal_id", BigInteger, nullable=False),
    Column("old_date", Date),
    Column("new_date", Date),
    timestamp("changed_at", default=True),
    Column("changed_by", BigInteger),
    part_of("deals", "deal_id"),
    USERS.foreign_key("changed_by", ondelete="SET NULL"),
    Index("ix_close_date_history_deal_id", "company_id", "deal_id", "changed_at", "id"),
    Index(
        "ix_close_date_history_expected",
        "company_id",
        "new_date",
        postgresql_include=["deal_id", "changed_at", "id"],
    ),
    Index(
        "ix_close_date_history_changed",
        "company_id",
        "changed_at",
        postgresql_include=["deal_id", "old_date", "new_date"],
    ),
    given_only("close_date_history", "changed_by"),
)

loss_reasons = tenant_table(
    "loss_reasons",
    metadata,
    Column("name", String(100), nullable=False),
    Column("requires_text", Boolean, nullable=False, server_default=text("false")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("order_index", Integer, nullable=False, server_default=text("0")),
    Index("uq_loss_reasons_name", "company_id", text("lower(name)"), unique=True),
)

exchange_rates = tenant_table(
    "exchange_rates",
    metadata,
    Column("currency", String(3), nullable=False),
    Column("base_currency", String(3), nullable=False),
    # Units of the base for one unit of the currency.
    Column("rate", Numeric(20, 10), nullable=False),
    Column("valid_on", Date, nullable=False),
    Column("created_by", BigInteger),
    CheckConstraint("rate > 0", name="rate"),
    CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
    CheckConstraint("base_currency ~ '^[A-Z]{3}$'", name="base_currency"),
    CheckConstraint("currency <> base_currency", name="currencies"),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    Index(
        "uq_exchange_rates_company_id_currency_base_currency_valid_on",
        "company_id",
        "currency",
        "base_currency",
        "valid_on",
        unique=True,
    ),
    Index("ix_exchange_rates_company_id_valid_on", "company_id", "valid_on", "id"),
    given_only("exchange_rates", "created_by"),
)
