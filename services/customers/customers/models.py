"""The tables of the customers service."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import chassis_tables, new_metadata, tenant_table, timestamp
from customers import rules

metadata = new_metadata()
chassis_tables(metadata)


def _one_of(column: str, allowed: tuple[str, ...]) -> CheckConstraint:
    values = ", ".join(f"'{value}'" for value in allowed)
    return CheckConstraint(f"{column} IN ({values})", name=column)


def _user(column: str) -> ForeignKeyConstraint:
    """A user of the same company; when the user goes, the customer stays (both seeds)."""
    return ForeignKeyConstraint(
        ["company_id", column], ["user_refs.company_id", "user_refs.user_id"], ondelete=f"SET NULL ({column})"
    )


user_refs = Table(
    "user_refs",
    metadata,
    Column("company_id", BigInteger, primary_key=True),
    Column("user_id", BigInteger, primary_key=True),
    # 0 means: known from a token, its event has not arrived yet.
    Column("version", Integer, nullable=False, server_default=text("0")),
    # Versions are of one membership; who joins again has another.
    Column("membership_id", BigInteger, nullable=False, server_default=text("0")),
    Column("name", String(201)),
    Column("email", String(255)),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    timestamp("updated_at", default=True),
    info={"tenant": "company_id"},
)

# The customers of somebody who was deactivated, on their way to others: one row per event, so that it happens once.
customer_transfers = tenant_table(
    "customer_transfers",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("targets", JSONB, nullable=False),
    Column("event_id", Uuid(as_uuid=False), nullable=False),
    Column("correlation_id", String(64), nullable=False),
    Column("moved", Integer, nullable=False, server_default=text("0")),
    timestamp("finished_at"),
    ForeignKeyConstraint(["company_id", "user_id"], ["user_refs.company_id", "user_refs.user_id"], ondelete="CASCADE"),
    UniqueConstraint("company_id", "event_id"),
    CheckConstraint("jsonb_typeof(targets) = 'array'", name="targets"),
    Index("ix_customer_transfers_pending", "company_id", "id", postgresql_where=text("finished_at IS NULL")),
)

customer_codes = Table(
    "customer_codes",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last_number", BigInteger, nullable=False),
    info={"tenant": "company_id"},
)

customers = tenant_table(
    "customers",
    metadata,
    Column("customer_code", String(50), nullable=False),
    Column("name", String(255), nullable=False),
    Column("email", String(255)),
    Column("phone", String(50)),
    Column("secondary_phone", String(50)),
    Column("address", Text),
    Column("city", String(100)),
    Column("state", String(100)),
    Column("country", String(100)),
    Column("zip_code", String(20)),
    Column("customer_type", String(50), nullable=False, server_default="individual"),
    Column("industry", String(100)),
    Column("company_name", String(255)),
    Column("website", String(255)),
    Column("status", String(20), nullable=False, server_default="active"),
    Column("source", String(100)),
    Column("priority", String(20), nullable=False, server_default="medium"),
    Column("credit_limit", Numeric(15, 2), nullable=False, server_default=text("0")),
    Column("notes", Text),
    Column("tags", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("created_by", BigInteger),
    Column("assigned_to", BigInteger),
    timestamp("archived_at"),
    Column("archived_by_event", Uuid),
    # Keys for matching; the database keeps them, so that no writer can forget to.
    Column("email_norm", Text, Computed("lower(email)", persisted=True)),
    Column(
        "phone_e164",
        Text,
        Computed("CASE WHEN phone LIKE '+%' THEN '+' || regexp_replace(phone, '[^0-9]', '', 'g') END", persisted=True),
    ),
    Column(
        "domain_norm",
        Text,
        Computed("lower(substring(coalesce(website, email) from '([^/:@ ]+[.][^/:@ ]+)'))", persisted=True),
    ),
    Column("name_norm", Text, Computed(r"lower(regexp_replace(btrim(name), '\s+', ' ', 'g'))", persisted=True)),
    UniqueConstraint("company_id", "customer_code"),
    UniqueConstraint("company_id", "name", "company_name"),
    CheckConstraint(f"email IS NULL OR email ~* '{rules.EMAIL_PATTERN}'", name="email"),
    CheckConstraint("credit_limit >= 0", name="credit_limit"),
    CheckConstraint("jsonb_typeof(tags) = 'array'", name="tags"),
    _one_of("customer_type", rules.CUSTOMER_TYPES),
    _one_of("status", rules.STATUSES),
    _one_of("priority", rules.PRIORITIES),
    _one_of("industry", rules.INDUSTRIES),
    _user("created_by"),
    _user("assigned_to"),
)

# The lists' indexes: every list is of one company, newest first; the live ones are what is asked for nearly always.
_live = text("archived_at IS NULL")
for _index in (
    Index("ix_customers_company_id_created_at", "company_id", "created_at", "id", postgresql_where=_live),
    Index("ix_customers_company_id_created_at_all", "company_id", "created_at", "id"),
    Index("ix_customers_company_id_updated_at", "company_id", "updated_at", "id"),
    Index("ix_customers_company_id_name", "company_id", "name", "id"),
    Index("ix_customers_company_id_email_norm", "company_id", "email_norm"),
    Index("ix_customers_company_id_status_created_at", "company_id", "status", "created_at", "id"),
    Index("ix_customers_company_id_customer_type", "company_id", "customer_type", "created_at", "id"),
    Index("ix_customers_company_id_industry", "company_id", "industry", "created_at", "id"),
    Index("ix_customers_company_id_company_name", "company_id", "company_name"),
    Index("ix_customers_company_id_created_by", "company_id", "created_by"),
    Index("ix_customers_company_id_assigned_to_status", "company_id", "assigned_to", "status"),
    Index(
        "ix_customers_company_id_assigned_to_active",
        "company_id",
        "assigned_to",
        postgresql_where=text("status = 'active'"),
    ),
    Index("ix_customers_tags", "tags", postgresql_using="gin"),
    Index(
        "ix_customers_search",
        text("to_tsvector('english', name || ' ' || coalesce(company_name, '') || ' ' || coalesce(email, ''))"),
        postgresql_using="gin",
    ),
):
    customers.append_constraint(_index)
