"""Who was asked to join, and what the links in letters prove."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import email_check, one_of, tenant_table, timestamp
from identity.models.metadata import metadata
from identity.rules import INVITATION_STATUSES, ROLES, TOKEN_PURPOSES

# An address that somebody was asked to join with. Its secret is a row of one_time_tokens, so resending makes a new one.
invitations = tenant_table(
    "invitations",
    metadata,
    Column("email", String(255), nullable=False),
    Column("role", String(50), nullable=False),
    Column("permissions", JSONB(none_as_null=True)),
    Column("status", String(20), nullable=False, server_default=text("'pending'")),
    Column("invited_by", BigInteger, nullable=False),
    Column("accepted_by", BigInteger),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    timestamp("sent_at", default=True),
    timestamp("decided_at"),
    ForeignKeyConstraint(["company_id"], ["companies.id"], ondelete="CASCADE"),
    email_check(),
    one_of("role", ROLES),
    one_of("status", INVITATION_STATUSES),
    CheckConstraint("jsonb_typeof(permissions) = 'object'", name="permissions"),
    CheckConstraint("(status = 'pending') = (decided_at IS NULL)", name="decided"),
)
Index(
    "uq_invitations_pending",
    invitations.c.company_id,
    func.lower(invitations.c.email),
    unique=True,
    postgresql_where=text("status = 'pending'"),
)
Index("ix_invitations_company_id_created_at", invitations.c.company_id, invitations.c.created_at, invitations.c.id)

# What a link in an e-mail proves: that its reader gets the mail of an address. Stored hashed, good once.
one_time_tokens = tenant_table(
    "one_time_tokens",
    metadata,
    Column("purpose", String(20), nullable=False),
    Column("user_id", BigInteger),
    Column("invitation_id", BigInteger),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    timestamp("used_at"),
    ForeignKeyConstraint(
        ["company_id", "user_id"], ["user_companies.company_id", "user_companies.user_id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["company_id", "invitation_id"], ["invitations.company_id", "invitations.id"], ondelete="CASCADE"
    ),
    one_of("purpose", TOKEN_PURPOSES),
    CheckConstraint("(purpose = 'invitation') = (invitation_id IS NOT NULL)", name="invitation"),
    CheckConstraint("(purpose = 'invitation') = (user_id IS NULL)", name="user"),
    Index("ix_one_time_tokens_company_id_user_id", "company_id", "user_id"),
    Index("ix_one_time_tokens_company_id_invitation_id", "company_id", "invitation_id"),
    Index("ix_one_time_tokens_expires_at", "expires_at"),
)
