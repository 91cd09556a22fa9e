"""The tables of the customers service."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
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

from chassis.db.tables import (
    HIDDEN,
    LIVE,
    alphabetical,
    chassis_tables,
    email_check,
    exports_table,
    given_only,
    new_metadata,
    one_of,
    part_of,
    search_index,
    tenant_table,
    timestamp,
)
from chassis.db.tag_tables import tags_table
from chassis.purges import purges_table
from chassis.references import CompanyReference, UserReference
from chassis.transfers import transfer_table
from customers import rules
from customers.rules.import_fields import KEYS
from imports.engine.tables import import_tables

metadata = new_metadata()
chassis_tables(metadata)


def _user(column: str) -> ForeignKeyConstraint:
    """A user of the same company; when the user goes, what they made or looked after stays (both seeds)."""
    return USERS.foreign_key(column, ondelete="SET NULL")


COMPANY = CompanyReference(
    metadata,
    # Where its phone numbers are from, and what it has set.
    Column("region", String(2)),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
)
USERS = UserReference(metadata)
REFERENCES = (COMPANY, USERS)

# The customers of somebody who was deactivated, on their way to others.
customer_transfers = transfer_table("customer_transfers", metadata, USERS)

user_purges = purges_table(metadata)

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
    _user("created_by"),
    _user("assigned_to"),
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

contacts = tenant_table(
    "contacts",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("first_name", String(100), nullable=False),
    Column("last_name", String(100)),
    Column("email", String(255)),
    Column("phone", String(50)),
    Column("job_title", String(100)),
    Column("is_primary", Boolean, nullable=False, server_default=text("false")),
    Column("created_by", BigInteger),
    timestamp("archived_at"),
    Column("archived_by_event", Uuid),
    Column("email_norm", Text),
    Column("phone_e164", Text),
    # What search_contacts() looks in: names, e-mail, job and digits of the phone, folded by a trigger.
    Column("search_text", Text),
    part_of("customers", "customer_id"),
    _user("created_by"),
    email_check(),
    Index("ix_contacts_company_id_customer_id", "company_id", "customer_id"),
    Index("ix_contacts_company_id_email_norm", "company_id", "email_norm"),
    Index("ix_contacts_company_id_phone_e164", "company_id", "phone_e164"),
    Index("ix_contacts_company_id_created_by", "company_id", "created_by"),
    Index("ix_contacts_company_id_created_at", "company_id", "created_at", "id"),
    search_index("contacts"),
    Index(
        "uq_contacts_company_id_customer_id_primary",
        "company_id",
        "customer_id",
        unique=True,
        postgresql_where=text("is_primary AND archived_at IS NULL"),
    ),
)

# Two customers that are probably the same, kept by a job. One that was dismissed stays: nobody is told of it again.
customer_duplicates = tenant_table(
    "customer_duplicates",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("other_id", BigInteger, nullable=False),
    Column("score", Integer, nullable=False),
    Column("reasons", JSONB, nullable=False),
    timestamp("dismissed_at"),
    Column("dismissed_by", BigInteger),
    UniqueConstraint("company_id", "customer_id", "other_id"),
    CheckConstraint("customer_id < other_id", name="order"),
    part_of("customers", "customer_id"),
    part_of("customers", "other_id"),
    _user("dismissed_by"),
    Index("ix_customer_duplicates_company_id_other_id", "company_id", "other_id"),
    Index("ix_customer_duplicates_company_id_dismissed_by", "company_id", "dismissed_by"),
    Index("ix_customer_duplicates_company_id_score", "company_id", "score", "id"),
)
# How far that job is, in the order in which customers were last changed.
customer_comparisons = Table(
    "customer_comparisons",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    timestamp("seen_at", default=True),
    Column("seen_id", BigInteger, nullable=False),
    info={"tenant": "company_id"},
)

# What a merge changed, so that it can be undone: the records' states before, the target's after, whose contacts moved.
customer_merges = tenant_table(
    "customer_merges",
    metadata,
    Column("customer_id", BigInteger, nullable=False),
    Column("sources", JSONB, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("contacts", JSONB, nullable=False),
    Column("created_by", BigInteger),
    timestamp("undone_at"),
    part_of("customers", "customer_id"),
    _user("created_by"),
    Index("ix_customer_merges_company_id_customer_id", "company_id", "customer_id"),
    Index("ix_customer_merges_company_id_created_by", "company_id", "created_by"),
    Index("ix_customer_merges_company_id_created_at", "company_id", "created_at", "id"),
)

customer_exports = exports_table(
    "customer_exports",
    metadata,
    _user("created_by"),
    Index("ix_customer_exports_company_id_created_by", "company_id", "created_by"),
)

# Files on their way in.
IMPORT_TABLES = import_tables(
    "customer", metadata, USERS, match_by=KEYS, record_types=("customer", "contact"), within="import"
)

# What customers have done for conversions of leads, one row for each; undoing goes by it. A row without a start, which
# an undoing has left that came first, keeps the start from doing anything.
conversion_results = tenant_table(
    "conversion_results",
    metadata,
    Column("conversion_id", BigInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("customer_id", BigInteger),
    Column("contact_id", BigInteger),
    Column("customer_created", Boolean, nullable=False, server_default=text("false")),
    Column("contact_created", Boolean, nullable=False, server_default=text("false")),
    # The names alone: the values are in the conversion, and a customer that is purged leaves none of them here.
    Column("filled", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("kept", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("error_code", String(60)),
    Column("error_detail", Text),
    Column("created_by", BigInteger),
    UniqueConstraint("company_id", "conversion_id"),
    one_of("state", rules.CONVERSION_STATES),
    _user("created_by"),
    Index("ix_conversion_results_company_id_created_by", "company_id", "created_by"),
)
