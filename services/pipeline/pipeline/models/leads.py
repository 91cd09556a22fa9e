"""Leads and the stages that they go through."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)

from chassis.db.tables import (
    HIDDEN,
    LIVE,
    alphabetical,
    archivable,
    email_check,
    exports_table,
    given_only,
    linked,
    one_of,
    ordered,
    search_index,
    tenant_table,
    timestamp,
)
from pipeline import rules
from pipeline.models.metadata import by, currency, late, metadata, on_board, percent
from pipeline.models.references import CUSTOMERS, USERS

_RANK = " ".join(f"WHEN '{priority}' THEN {rank}" for rank, priority in enumerate(rules.PRIORITIES, 1))
_OPEN = ", ".join(f"'{status}'" for status in rules.OPEN_LEAD_STATUSES)
# What lists of one's own go by beside their order, so that it need not be read in the rows.
_OWN = ["archived_at", "status", "updated_at"]

lead_stages = tenant_table(
    "lead_stages",
    metadata,
    Column("name", String(100), nullable=False),
    Column("description", Text),
    Column("order_index", Integer, nullable=False, server_default=text("0")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    # Which state of a lead the stage stands for.
    Column("lead_status", String(50), nullable=False),
    Column("probability", Integer),
    Column("stale_after_days", Integer),
    # Where the records of a stage that is being deleted go, while a worker moves them.
    Column("moving_to", BigInteger),
    one_of("lead_status", rules.LEAD_STATUSES),
    percent("probability"),
    CheckConstraint("stale_after_days IS NULL OR stale_after_days > 0", name="stale_after_days"),
    # A number that two stages swap is taken twice for a moment.
    UniqueConstraint("company_id", "order_index", deferrable=True, initially="DEFERRED"),
    # What the key of leads names: the database refuses a status that is not its stage's.
    UniqueConstraint("company_id", "id", "lead_status"),
    Index("uq_lead_stages_name", "company_id", text("lower(name)"), unique=True),
    Index("ix_lead_stages_moving", "company_id", "id", postgresql_where=text("moving_to IS NOT NULL")),
)

leads = tenant_table(
    "leads",
    metadata,
    Column("lead_name", String(rules.LONGEST_NAME), nullable=False),
    Column("customer_id", BigInteger),
    Column("email", String(255)),
    Column("phone", String(50)),
    Column("source", String(100)),
    # Null only where a stage was taken away below the API, which never leaves it so.
    Column("stage_id", BigInteger),
    Column("status", String(50), nullable=False, server_default="new"),
    Column("priority", String(20), nullable=False, server_default="medium"),
    # For sorting by meaning, and not by the alphabet.
    Column("priority_rank", SmallInteger, Computed(f"CASE priority {_RANK} END", persisted=True), nullable=False),
    Column("probability", Integer),
    Column("probability_source", String(10), nullable=False, server_default="stage"),
    Column("estimated_value", Numeric(15, 2)),
    Column("currency", String(3), nullable=False, server_default="USD"),
    Column("expected_close_date", Date),
    Column("description", Text),
    Column("notes", Text),
    Column("loss_reason_id", BigInteger),
    Column("loss_reason", Text),
    Column("assigned_to", BigInteger),
    Column("created_by", BigInteger),
    *on_board(),
    timestamp("converted_at"),
    Column("converted_customer_id", BigInteger),
    Column("converted_contact_id", BigInteger),
    Column("converted_deal_id", BigInteger),
    *archivable(),
    # Keys for matching, made from the columns above: what is equal here is probably the same.
    Column("email_norm", Text),
    Column("phone_e164", Text),
    Column("phone_tail", Text),
    Column("name_norm", Text),
    # The amount in hundredths, kept by a trigger: what lists are sorted by, as amounts have no index below row-level
    # security.
    Column("value_rank", BigInteger),
    # What search_leads() looks in: name, description, e-mail and digits of the phone, folded by a trigger.
    Column("search_text", Text),
    CheckConstraint("estimated_value IS NULL OR estimated_value > 0", name="estimated_value"),
    email_check(),
    currency(),
    one_of("status", rules.LEAD_STATUSES),
    one_of("priority", rules.PRIORITIES),
    one_of("probability_source", rules.PROBABILITY_SOURCES),
    percent("probability"),
    CheckConstraint("status = 'lost' OR (loss_reason_id IS NULL AND loss_reason IS NULL)", name="loss_reason"),
    CheckConstraint("(status IN ('lost', 'converted')) = (closed_at IS NOT NULL)", name="closed_at"),
    CheckConstraint(
        "status = 'converted' OR (converted_at IS NULL AND converted_customer_id IS NULL"
        " AND converted_contact_id IS NULL AND converted_deal_id IS NULL)",
        name="converted",
    ),
    CUSTOMERS.foreign_key("customer_id", ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["company_id", "stage_id", "status"],
        ["lead_stages.company_id", "lead_stages.id", "lead_stages.lead_status"],
        ondelete="SET NULL (stage_id)",
    ),
    linked("lead_stages", "last_open_stage_id"),
    linked("loss_reasons", "loss_reason_id"),
    CUSTOMERS.foreign_key("converted_customer_id", ondelete="SET NULL"),
    linked("deals", "converted_deal_id", later_in="leads"),
    USERS.foreign_key("assigned_to", ondelete="SET NULL"),
    USERS.foreign_key("created_by", ondelete="SET NULL"),
)

for _index in (
    Index("ix_leads_company_id_created_at", "company_id", "created_at", "id", postgresql_where=LIVE),
    Index("ix_leads_archived", "company_id", "created_at", "id", postgresql_where=HIDDEN),
    Index("ix_leads_board", "company_id", "stage_id", "position", "id", postgresql_where=LIVE),
    # Those whose column on the board goes by when they closed.
    Index("ix_leads_stage_id_closed_at", "company_id", "stage_id", "closed_at", "id", postgresql_where=LIVE),
    ordered("leads", "stage_id"),
    ordered("leads", "customer_id"),
    Index("ix_leads_customer_id_stage_id", "company_id", "customer_id", "stage_id"),
    ordered("leads", "assigned_to", include=["created_by", *_OWN]),
    Index("ix_leads_assigned_to_stage_id", "company_id", "assigned_to", "stage_id"),
    # Seed A's idx_leads_active; its stages 6 and 7 mean nothing per company.
    Index(
        "ix_leads_active",
        "company_id",
        "assigned_to",
        "stage_id",
        postgresql_where=text("closed_at IS NULL AND archived_at IS NULL"),
    ),
    ordered("leads", "created_by", include=["assigned_to", *_OWN]),
    alphabetical("leads", "source", "created_at"),
    ordered("leads", "status"),
    ordered("leads", "priority_rank"),
    by("leads", "updated_at"),
    alphabetical("leads", "lead_name"),
    by("leads", "expected_close_date"),
    by("leads", "value_rank"),
    by("leads", "stage_entered_at"),
    by("leads", "closed_at"),
    by("leads", "probability"),
    given_only("leads", "email"),
    given_only("leads", "email_norm"),
    given_only("leads", "phone_e164"),
    given_only("leads", "phone_tail"),
    search_index("leads"),
    Index("ix_leads_name_norm", "company_id", "name_norm"),
    given_only("leads", "loss_reason_id"),
    given_only("leads", "last_open_stage_id"),
    given_only("leads", "converted_customer_id"),
    given_only("leads", "converted_deal_id"),
    Index(
        "ix_leads_archived_by_event",
        "company_id",
        "archived_by_event",
        postgresql_where=text("archived_by_event IS NOT NULL"),
    ),
    # For the retention job, which looks at all companies; on an expression, so that no list takes it for its own.
    Index("ix_leads_kept", text("(closed_at AT TIME ZONE 'UTC')"), postgresql_where=text("closed_at IS NOT NULL")),
    *late("leads"),
):
    leads.append_constraint(_index)

lead_exports = exports_table(
    "lead_exports",
    metadata,
    USERS.foreign_key("created_by", ondelete="SET NULL"),
    Index("ix_lead_exports_created_by", "company_id", "created_by"),
)
