"""Credentials of machines."""

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKeyConstraint, Index, LargeBinary, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import tenant_table, timestamp
from identity.models.metadata import metadata

# A machine's credential. It acts for the member who made it and never beyond what they may do themselves.
api_keys = tenant_table(
    "api_keys",
    metadata,
    Column("name", String(100), nullable=False),
    Column("prefix", String(20), nullable=False, unique=True),
    Column("secret_hash", LargeBinary(32), nullable=False),
    Column("scopes", JSONB, nullable=False, server_default=text("'[]'")),
    Column("user_id", BigInteger, nullable=False),
    # The `sid` of its tokens, so that a revoked key is turned away at the gateway like an ended session.
    Column("sid", Uuid(as_uuid=False), nullable=False, unique=True),
    timestamp("expires_at"),
    timestamp("last_used_at"),
    timestamp("revoked_at"),
    ForeignKeyConstraint(
        ["company_id", "user_id"], ["user_companies.company_id", "user_companies.user_id"], ondelete="CASCADE"
    ),
    CheckConstraint("jsonb_typeof(scopes) = 'array'", name="scopes"),
    Index("ix_api_keys_company_id_user_id", "company_id", "user_id"),
)
Index("ix_api_keys_company_id_created_at", api_keys.c.company_id, api_keys.c.created_at, api_keys.c.id)
