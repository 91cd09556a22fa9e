"""The tables of identity: companies and users, who belongs where, and all that lets somebody in or keeps them out."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import chassis_tables, email_check, new_metadata, one_of, tenant_table, timestamp
from chassis.mail import Mails, mails_table
from identity.rules import (
    COMPANY_SIZES,
    COMPANY_STATUSES,
    INVITATION_STATUSES,
    KEY_STATUSES,
    LOGIN_ATTEMPTS,
    MEMBER_STATUSES,
    ROLES,
    TOKEN_PURPOSES,
)

metadata = new_metadata()
chassis_tables(metadata)


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

# The outbox of e-mail.
mails = mails_table(metadata, ForeignKeyConstraint(["company_id"], ["companies.id"], ondelete="CASCADE"))
MAILS = Mails(mails)

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

# Lists are of one company, newest first.
for _table in (invitations, api_keys, security_events):
    Index(f"ix_{_table.name}_company_id_created_at", _table.c.company_id, _table.c.created_at, _table.c.id)
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

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", String(64), primary_key=True),
    Column("status", String(20), nullable=False),
    Column("public_pem", Text, nullable=False),
    Column("private_sealed", LargeBinary, nullable=False),
    timestamp("created_at", default=True),
    timestamp("retired_at"),
    one_of("status", KEY_STATUSES),
    CheckConstraint("(status = 'retired') = (retired_at IS NOT NULL)", name="retired"),
    CheckConstraint("kid ~ '^[A-Za-z0-9_-]{1,64}$'", name="kid"),
    # One key signs and one waits; however many processes start at once.
    Index("uq_signing_keys_status", "status", unique=True, postgresql_where=text("status <> 'retired'")),
)
