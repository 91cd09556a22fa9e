"""Sign-ins, and what must be known of them at once when they end."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    text,
)

from chassis.db.tables import tenant_table, timestamp
from identity.models.metadata import metadata

# One sign-in on one device: the family of all refresh tokens that descend from it, and the `sid` of its access tokens.
sessions = tenant_table(
    "sessions",
    metadata,
    Column("sid", Uuid(as_uuid=False), nullable=False, unique=True),
    Column("user_id", BigInteger, nullable=False),
    Column("ip_address", String(64)),
    Column("user_agent", String(500)),
    timestamp("last_used_at", default=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    timestamp("ended_at"),
    Column("end_reason", String(50)),
    # Who leaves a company loses the sessions in it, and no others.
    ForeignKeyConstraint(
        ["company_id", "user_id"], ["user_companies.company_id", "user_companies.user_id"], ondelete="CASCADE"
    ),
    CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="ended"),
    Index("ix_sessions_company_id_user_id", "company_id", "user_id"),
)

# Neither a token nor its successor is stored: the successor is computed from the token that a client shows and the
# nonce of its row, so a lost answer can be given again and a stolen copy of this table opens nothing.
refresh_tokens = tenant_table(
    "refresh_tokens",
    metadata,
    Column("session_id", BigInteger, nullable=False),
    Column("parent_id", BigInteger),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("nonce", LargeBinary(32), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    timestamp("used_at"),
    ForeignKeyConstraint(["company_id", "session_id"], ["sessions.company_id", "sessions.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["company_id", "parent_id"], ["refresh_tokens.company_id", "refresh_tokens.id"], ondelete="CASCADE"
    ),
    # A token has one successor at most: PostgreSQL itself refuses a second branch of the family.
    UniqueConstraint("company_id", "parent_id"),
    Index("ix_refresh_tokens_company_id_session_id", "company_id", "session_id"),
)

# What the gateways have to know at once: from which epoch on a user's tokens are good, which sessions have ended, which
# companies are closed (1) or open again (0). `changed_in` is the transaction that wrote the row: whoever asks for all
# changes since the oldest transaction that was open at their last question misses none, however commits interleave.
revocations = Table(
    "revocations",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("key", String(36), primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("changed_in", BigInteger, nullable=False, server_default=text("pg_current_xact_id()::text::bigint")),
    timestamp("changed_at", default=True),
    CheckConstraint("kind IN ('user', 'session', 'company')", name="kind"),
    Index("ix_revocations_changed_in", "changed_in"),
    Index("ix_revocations_changed_at", "changed_at"),
)
