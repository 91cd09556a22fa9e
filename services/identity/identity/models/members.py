"""Users, where they belong, and how they like what they look at."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import email_check, one_of, tenant_table, timestamp
from identity.models.metadata import metadata
from identity.rules import MEMBER_STATUSES, ROLES

# A person is one row however many companies they work for, so this is no table of one tenant: a tenant sees those who
# have a row in user_companies for it.
users = Table(
    "users",
    metadata,
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("email", String(255), nullable=False),
    Column("password_hash", String(255), nullable=False),
    Column("first_name", String(100), nullable=False),
    Column("last_name", String(100), nullable=False),
    Column("phone", String(50)),
    Column("avatar", String(500)),
    Column("role", String(50), nullable=False, server_default=text("'user'")),
    Column("is_active", Boolean, nullable=False, server_default=text("true")),
    Column("is_verified", Boolean, nullable=False, server_default=text("false")),
    timestamp("last_login"),
    # Raised to make every access token of the user worthless before it expires: the token's `ver` is compared with it.
    Column("token_epoch", Integer, nullable=False, server_default=text("1")),
    timestamp("created_at", default=True),
    timestamp("updated_at", default=True),
    email_check(),
    one_of("role", ROLES),
    CheckConstraint("token_epoch BETWEEN 0 AND 999999999", name="token_epoch"),
    Index("ix_users_role", "role"),
    Index("ix_users_is_active", "is_active"),
    Index("ix_users_created_at", "created_at"),
)
Index("uq_users_email", func.lower(users.c.email), unique=True)

user_companies = tenant_table(
    "user_companies",
    metadata,
    Column("user_id", BigInteger, ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    Column("role", String(50), nullable=False),
    Column("is_primary", Boolean, nullable=False, server_default=text("false")),
    Column("permissions", JSONB(none_as_null=True)),
    # Of the membership and not of the user: who is suspended in one company may still work for another.
    Column("status", String(20), nullable=False, server_default=text("'active'")),
    # To whom the records of a member go who was deactivated; the other services read it from the event.
    Column("transfer_plan", JSONB(none_as_null=True)),
    timestamp("joined_at", default=True),
    ForeignKeyConstraint(["company_id"], ["companies.id"], ondelete="CASCADE"),
    UniqueConstraint("company_id", "user_id"),
    one_of("role", ROLES),
    one_of("status", MEMBER_STATUSES),
    CheckConstraint("jsonb_typeof(permissions) = 'object'", name="permissions"),
    CheckConstraint("jsonb_typeof(transfer_plan) = 'object'", name="transfer_plan"),
    Index("ix_user_companies_user_id", "user_id"),
    Index("uq_user_companies_primary", "user_id", unique=True, postgresql_where=text("is_primary")),
)

# A list as somebody wants to see it again: on which screen, which records, which columns. One that is shared outlives
# the membership of who made it, and is nobody's then.
saved_views = tenant_table(
    "saved_views",
    metadata,
    Column("user_id", BigInteger),
    Column("screen", String(50), nullable=False),
    Column("name", String(100), nullable=False),
    Column("query", Text, nullable=False, server_default=text("''")),
    Column("columns", JSONB(none_as_null=True)),
    Column("shared", Boolean, nullable=False, server_default=text("false")),
    ForeignKeyConstraint(
        ["company_id", "user_id"], ["user_companies.company_id", "user_companies.user_id"], ondelete="CASCADE"
    ),
    CheckConstraint("shared OR user_id IS NOT NULL", name="owner"),
    CheckConstraint("jsonb_typeof(columns) = 'array'", name="columns"),
    Index("ix_saved_views_company_id_created_at", "company_id", "created_at", "id"),
    Index("ix_saved_views_company_id_name", "company_id", "name", "id"),
    Index("ix_saved_views_company_id_user_id", "company_id", "user_id"),
)
Index(
    "uq_saved_views_own",
    *(saved_views.c[name] for name in ("company_id", "user_id", "screen")),
    func.lower(saved_views.c.name),
    unique=True,
    postgresql_where=text("NOT shared"),
)
Index(
    "uq_saved_views_shared",
    *(saved_views.c[name] for name in ("company_id", "screen")),
    func.lower(saved_views.c.name),
    unique=True,
    postgresql_where=text("shared"),
)

# How a member likes what they look at: texts by name, of which the user interface alone knows what they mean.
user_preferences = tenant_table(
    "user_preferences",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    ForeignKeyConstraint(
        ["company_id", "user_id"], ["user_companies.company_id", "user_companies.user_id"], ondelete="CASCADE"
    ),
    UniqueConstraint("company_id", "user_id"),
    CheckConstraint("jsonb_typeof(settings) = 'object'", name="settings"),
)
