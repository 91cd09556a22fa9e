"""Customers: their codes, what they sell to, their labels, and files of them on their way out."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import (
    HIDDEN,
    LIVE,
    alphabetical,
    email_check,
    exports_table,
    given_only,
    one_of,
    part_of,
    search_index,
    tenant_table,
    timestamp,
)
from chassis.db.tag_tables import tags_table
from customers import rules
from customers.models.metadata import metadata
from customers.models.references import user

customer_codes = Table(
    "customer_codes",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last_number", BigInteger, nullable=False),
    info={"tenant": "company_id"},
)

# What a company sells to; the nine of the seed become rows when they are first used.
industries = tenant_table(
    "industries",
    metadata,
    Column("name", String(100), nullable=False),
    UniqueConstraint("company_id", "name"),
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
    # Keys for matching, made by customers.rules.keys from the columns above: what is equal here is probably the same.
    Column("email_norm", Text),
    Column("phone_e164", Text),
    Column("phone_tail", Text),
    Column("domain_norm", Text),
    Column("name_norm", Text),
    # Of the same name with two letters for one, such as ue for ü; of most names there is none.
    Column("name_two", Text),
    # What search_customers() looks in: name, company, e-mail, code and digits of the phone, folded by a trigger.
    Column("search_text", Text),
    # The record that this one was merged into; its own id goes on to resolve.
    Column("merged_into", BigInteger),
    UniqueConstraint("company_id", "customer_code"),
    email_check(),
    CheckConstraint("credit_limit >= 0", name="credit_limit"),
    CheckConstraint("jsonb_typeof(tags) = 'array'", name="tags"),
    one_of("customer_type", rules.CUSTOMER_TYPES),
    one_of("status", rules.STATUSES),
    one_of("priority", rules.PRIORITIES),
    ForeignKeyConstraint(["company_id", "industry"], ["industries.company_id", "industries.name"]),
    part_of("customers", "merged_into"),
    user("created_by"),
    user("assigned_to"),
)


def _owned(column: str, *more: str) -> Index:
    """For lists of one's own as well: what these go by is in it, so that it need not be read in the rows."""
    beside = ("archived_at", "name", "updated_at", *more)
    columns = ("company_id", column, "created_at", "id")
    return Index(f"ix_customers_{column}_in_order", *columns, postgresql_include=beside)


# The lists' indexes: every list is of one company, newest first; the live ones are what is asked for nearly always.
_live = LIVE
for _index in (
    Index("ix_customers_company_id_created_at", "company_id", "created_at", "id", postgresql_where=_live),
    Index("ix_customers_company_id_updated_at", "company_id", "updated_at", "id"),
    alphabetical("customers", "name"),
    Index("ix_customers_company_id_status_created_at", "company_id", "status", "created_at", "id"),
    Index("ix_customers_company_id_customer_type", "company_id", "customer_type", "created_at", "id"),
    _owned("created_by", "assigned_to"),
    _owned("assigned_to"),
    *(alphabetical("customers", column, "created_at") for column in ("company_name", "industry", "city")),
    # An archived record, or one that was merged into another, may have the name that another has now.
    Index("uq_customers_name_live", "company_id", "name", "company_name", unique=True, postgresql_where=LIVE),
    Index("ix_customers_company_id_name_norm", "company_id", "name_norm"),
    Index("ix_customers_archived", "company_id", "created_at", "id", postgresql_where=HIDDEN),
    *(given_only("customers", column) for column in ("email", "email_norm", "phone", "phone_e164", "phone_tail")),
    *(given_only("customers", column) for column in ("domain_norm", "name_two", "merged_into")),
    search_index("customers"),
):
    customers.append_constraint(_index)

customer_tags = tags_table("customer_tags", metadata, "customers", "customer_id")

customer_exports = exports_table(
    "customer_exports",
    metadata,
    user("created_by"),
    Index("ix_customer_exports_company_id_created_by", "company_id", "created_by"),
)
