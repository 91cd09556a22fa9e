"""What happened with accounts, and what strangers tried."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import one_of, tenant_table, timestamp
from identity.models.metadata import metadata
from identity.rules import LOGIN_ATTEMPTS

# What happened with accounts and changed no other record: failed sign-ins, denials, a refresh token shown twice, the
# use of an API key. Each row is an aggregate of its own and never changes.
security_events = tenant_table(
    "security_events",
    metadata,
    Column("kind", String(50), nullable=False),
    Column("user_id", BigInteger),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    ForeignKeyConstraint(["company_id"], ["companies.id"], ondelete="CASCADE"),
    CheckConstraint("jsonb_typeof(detail) = 'object'", name="detail"),
)
Index(
    "ix_security_events_company_id_created_at",
    security_events.c.company_id,
    security_events.c.created_at,
    security_events.c.id,
)
Index("ix_security_events_created_at", security_events.c.created_at)

# How often an account (by the hash of its address, whether it exists or not) or a network address was wrong of late.
login_throttles = Table(
    "login_throttles",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    timestamp("blocked_until", default=True),
    timestamp("updated_at", default=True),
    Index("ix_login_throttles_updated_at", "updated_at"),
)

# What strangers tried: failed sign-ins and wishes for a new password, put down alike whether the address is
# somebody's or not, so that neither an answer nor the time it takes tells which. The worker tells them apart.
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("email", String(255), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("client_ip", String(64)),
    Column("user_agent", String(500)),
    timestamp("created_at", default=True),
    one_of("kind", LOGIN_ATTEMPTS),
)
