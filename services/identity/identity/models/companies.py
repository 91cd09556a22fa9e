"""Companies."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import email_check, one_of, timestamp
from identity.models.metadata import metadata
from identity.rules import COMPANY_SIZES, COMPANY_STATUSES

companies = Table(
    "companies",
    metadata,
    # BY DEFAULT and not ALWAYS: registering takes the id from the sequence first, because the row is written under the
    # tenant that the id is.
    Column("id", BigInteger, Identity(always=False), primary_key=True),
    Column("version", Integer, nullable=False, server_default=text("1")),
    Column("name", String(255), nullable=False),
    Column("logo", String(500)),
    Column("email", String(255), nullable=False),
    Column("phone", String(50)),
    Column("address", Text),
    Column("city", String(100)),
    Column("state", String(100)),
    Column("country", String(100)),
    Column("zip_code", String(20)),
    Column("website", String(255)),
    Column("industry", String(100)),
    Column("company_size", String(50)),
    Column("status", String(20), nullable=False, server_default=text("'active'")),
    Column("subscription_plan", String(50)),
    Column("subscription_start", Date),
    Column("subscription_end", Date),
    Column("default_currency", String(3), nullable=False, server_default=text("'USD'")),
    Column("time_zone", String(64), nullable=False, server_default=text("'UTC'")),
    Column("region", String(2)),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'")),
    timestamp("created_at", default=True),
    timestamp("updated_at", default=True),
    email_check(),
    one_of("company_size", COMPANY_SIZES),
    one_of("status", COMPANY_STATUSES),
    CheckConstraint("subscription_end >= subscription_start", name="subscription"),
    CheckConstraint("default_currency ~ '^[A-Z]{3}$'", name="default_currency"),
    CheckConstraint("region ~ '^[A-Z]{2}$'", name="region"),
    CheckConstraint("jsonb_typeof(settings) = 'object'", name="settings"),
    Index("ix_companies_status", "status"),
    info={"tenant": "id"},
)
Index("uq_companies_email", func.lower(companies.c.email), unique=True)
