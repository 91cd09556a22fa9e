"""Deals, and the pipelines and stages that they go through."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import (
    HIDDEN,
    LIVE,
    alphabetical,
    archivable,
    exports_table,
    given_only,
    linked,
    one_of,
    ordered,
    part_of,
    search_index,
    tenant_table,
    timestamp,
)
from pipeline import rules
from pipeline.models.metadata import by, currency, late, metadata, on_board, percent
from pipeline.models.references import CUSTOMERS, USERS

_OWN = ["archived_at", "status", "updated_at"]
# By what a report leaves a deal out.
_REPORTED = ["status", "archived_at", "archived_with_customer", "assigned_to", "created_by", "customer_id", "lead_id"]

pipelines = tenant_table(
    "pipelines",
    metadata,
    Column("name", String(100), nullable=False),
    Column("description", Text),
    Column("is_default", Boolean, nullable=False, server_default=text("false")),
    Column("order_index", Integer, nullable=False, server_default=text("0")),
    timestamp("archived_at"),
    Index("uq_pipelines_name", "company_id", text("lower(name)"), unique=True, postgresql_where=LIVE),
    Index("uq_pipelines_default", "company_id", unique=True, postgresql_where=text("is_default")),
    Index("ix_pipelines_company_id_order_index", "company_id", "order_index", "id"),
)

deal_stages = tenant_table(
    "deal_stages",
    metadata,
    Column("pipeline_id", BigInteger, nullable=False),
    Column("code", String(50), nullable=False),
    Column("name", String(100), nullable=False),
    Column("description", Text),
    Column("kind", String(50), nullable=False),
    Column("probability", Integer),
    Column("forecast_category", String(20), nullable=False),
    Column("order_index", Integer, nullable=False, server_default=text("0")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("expected_days", Integer),
    Column("stale_after_days", Integer),
    Column("required_fields", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    # Where the records of a stage that is being deleted go, while a worker moves them.
    Column("moving_to", BigInteger),
    one_of("kind", rules.DEAL_STATUSES),
    one_of("forecast_category", rules.FORECAST_CATEGORIES),
    percent("probability"),
    CheckConstraint("kind <> 'won' OR probability IS NOT DISTINCT FROM 100", name="won"),
    CheckConstraint("kind <> 'lost' OR probability IS NOT DISTINCT FROM 0", name="lost"),
    CheckConstraint("expected_days IS NULL OR expected_days > 0", name="expected_days"),
    CheckConstraint("stale_after_days IS NULL OR stale_after_days > 0", name="stale_after_days"),
    CheckConstraint("jsonb_typeof(required_fields) = 'array'", name="required_fields"),
    part_of("pipelines", "pipeline_id"),
    UniqueConstraint("company_id", "pipeline_id", "code"),
    # A number that two stages swap is taken twice for a moment.
    UniqueConstraint("company_id", "pipeline_id", "order_index", deferrable=True, initially="DEFERRED"),
    # What the key of deals names: stage, pipeline, code and status can never disagree.
    UniqueConstraint("company_id", "id", "pipeline_id", "code", "kind"),
    Index("ix_deal_stages_moving", "company_id", "id", postgresql_where=text("moving_to IS NOT NULL")),
)

deals = tenant_table(
    "deals",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("lead_id", BigInteger),
    Column("deal_name", String(rules.LONGEST_NAME), nullable=False),
    Column("deal_value", Numeric(15, 2), nullable=False),
    Column("currency", String(10), nullable=False, server_default="USD"),
    Column("pipeline_id", BigInteger, nullable=False),
    Column("stage_id", BigInteger, nullable=False),
    Column("stage", String(50), nullable=False, server_default="prospect"),
    Column("status", String(50), nullable=False, server_default="open"),
    Column("probability", Integer, nullable=False, server_default=text("0")),
    Column("probability_source", String(10), nullable=False, server_default="stage"),
    Column("expected_close_date", Date),
    Column("actual_close_date", Date),
    Column("closed_by", BigInteger),
    Column("loss_reason_id", BigInteger),
    Column("loss_reason", Text),
    # What it was before it closed.
    Column("last_open_probability", Integer),
    # Base units for one unit of the deal's currency on the day it closed; null while it is open, or none is known.
    Column("close_rate", Numeric(20, 10)),
    Column("close_rate_base", String(3)),
    Column("close_rate_date", Date),
    Column("notes", Text),
    Column("assigned_to", BigInteger),
    Column("created_by", BigInteger),
    *on_board(),
    *archivable(),
    # The amount in hundredths, kept by a trigger, as that of leads.
    Column("value_rank", BigInteger),
    # What search_deals() looks in: name and notes, folded by a trigger.
    Column("search_text", Text),
    CheckConstraint("deal_value >= 0", name="deal_value"),
    currency(),
    one_of("status", rules.DEAL_STATUSES),
    one_of("probability_source", rules.PROBABILITY_SOURCES),
    CheckConstraint("probability BETWEEN 0 AND 100", name="probability"),
    CheckConstraint(
        "(status = 'open') = (closed_at IS NULL) AND (status = 'open') = (actual_close_date IS NULL)", name="closed_at"
    ),
    CheckConstraint("(status = 'lost') = (loss_reason IS NOT NULL)", name="loss_reason"),
    CheckConstraint("status = 'lost' OR loss_reason_id IS NULL", name="loss_reason_id"),
    CheckConstraint(
        "(close_rate IS NULL) = (close_rate_base IS NULL) AND (close_rate IS NULL) = (close_rate_date IS NULL)"
        " AND (close_rate IS NULL OR status <> 'open') AND close_rate > 0",
        name="close_rate",
    ),
    CUSTOMERS.foreign_key("customer_id", ondelete="CASCADE"),
    linked("leads", "lead_id"),
    ForeignKeyConstraint(
        ["company_id", "stage_id", "pipeline_id", "stage", "status"],
        [
            "deal_stages.company_id",
            "deal_stages.id",
            "deal_stages.pipeline_id",
            "deal_stages.code",
            "deal_stages.kind",
        ],
        name="fk_deals_stage",
    ),
    linked("deal_stages", "last_open_stage_id"),
    linked("loss_reasons", "loss_reason_id"),
    USERS.foreign_key("assigned_to", ondelete="SET NULL"),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    USERS.foreign_key("closed_by", ondelete="SET NULL"),
)

for _index in (
    Index("ix_deals_company_id_created_at", "company_id", "created_at", "id", postgresql_where=LIVE),
    Index("ix_deals_archived", "company_id", "created_at", "id", postgresql_where=HIDDEN),
    Index("ix_deals_board", "company_id", "stage_id", "position", "id", postgresql_where=LIVE),
    # The board of somebody alone, who may have few of a column's many cards.
    Index("ix_deals_board_of", "company_id", "assigned_to", "stage_id", "position", "id", postgresql_where=LIVE),
    # Those whose column on the board goes by when they closed.
    Index("ix_deals_stage_id_closed_at", "company_id", "stage_id", "closed_at", "id", postgresql_where=LIVE),
    # Totals of boards and forecasts are read here alone.
    Index(
        "ix_deals_under_way",
        "company_id",
        "pipeline_id",
        "stage_id",
        postgresql_include=[
            "currency",
            "deal_value",
            "probability",
            "assigned_to",
            "created_by",
            "expected_close_date",
            "customer_id",
            "lead_id",
            "id",
        ],
        postgresql_where=text("status = 'open' AND archived_at IS NULL"),
    ),
    # What closed in a time: win rate, cycle, revenue, loss reasons.
    Index(
        "ix_deals_closed",
        "company_id",
        "closed_at",
        "id",
        postgresql_include=[
            "pipeline_id",
            "stage_id",
            "status",
            "currency",
            "deal_value",
            "close_rate",
            "close_rate_base",
            "close_rate_date",
            "actual_close_date",
            "created_at",
            "assigned_to",
            "created_by",
            "customer_id",
            "archived_at",
            "archived_with_customer",
        ],
        postgresql_where=text("closed_at IS NOT NULL"),
    ),
    # What reports ask of a deal that the history of stages or of expected days names.
    Index(
        "ix_deals_reported",
        "company_id",
        "id",
        postgresql_include=["pipeline_id", "expected_close_date", *_REPORTED],
    ),
    ordered("deals", "stage"),
    ordered("deals", "stage_id"),
    # In the order of their creation: for lists, and for the funnel, which asks what was created in a time.
    Index("ix_deals_begun", "company_id", "pipeline_id", "created_at", "id", postgresql_include=_REPORTED),
    ordered("deals", "status"),
    ordered("deals", "customer_id"),
    ordered("deals", "lead_id", where="lead_id IS NOT NULL"),
    ordered("deals", "assigned_to", include=["created_by", *_OWN]),
    ordered("deals", "created_by", include=["assigned_to", *_OWN]),
    by("deals", "updated_at"),
    alphabetical("deals", "deal_name"),
    search_index("deals"),
    by("deals", "value_rank"),
    by("deals", "expected_close_date"),
    by("deals", "stage_entered_at"),
    by("deals", "closed_at"),
    by("deals", "probability"),
    *late("deals"),
    given_only("deals", "closed_by"),
    given_only("deals", "loss_reason_id"),
    given_only("deals", "last_open_stage_id"),
    Index(
        "ix_deals_archived_by_event",
        "company_id",
        "archived_by_event",
        postgresql_where=text("archived_by_event IS NOT NULL"),
    ),
):
    deals.append_constraint(_index)

deal_exports = exports_table(
    "deal_exports",
    metadata,
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    Index("ix_deal_exports_created_by", "company_id", "created_by"),
)
