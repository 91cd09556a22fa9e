"""What people are told: reminders, notifications, letters, digests, calendars, and how each of them wants it."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Time,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.tables import one_of, part_of, tenant_table, timestamp
from chassis.mail import Mails, mails_table
from tasks import rules
from tasks.models.metadata import metadata
from tasks.models.references import USERS

reminders = tenant_table(
    "reminders",
    metadata,
    Column("task_id", BigInteger, nullable=False),
    # Nobody means whoever is the assignee.
    Column("user_id", BigInteger),
    Column("kind", String(20), nullable=False),
    Column("minutes_before", Integer),
    Column("days_before", Integer),
    Column("at_time", Time(timezone=False)),
    timestamp("fire_at"),
    Column("state", String(20), nullable=False),
    # The instant that was served; the same one never is again.
    timestamp("fired_for"),
    Column("channel", String(20), nullable=False, server_default="settings"),
    Column("attempts", SmallInteger, nullable=False, server_default=text("0")),
    timestamp("next_attempt_at"),
    one_of("kind", rules.REMINDER_KINDS),
    one_of("state", rules.REMINDER_STATES),
    one_of("channel", rules.CHANNELS),
    CheckConstraint("minutes_before >= 0 AND days_before >= 0", name="before"),
    CheckConstraint("(kind = 'further') = (user_id IS NOT NULL)", name="user_id"),
    CheckConstraint("state <> 'waiting' OR fire_at IS NOT NULL", name="fire_at"),
    part_of("tasks", "task_id"),
    USERS.foreign_key("user_id", ondelete="CASCADE"),
    Index("ix_reminders_task_id", "company_id", "task_id", "user_id"),
    Index("ix_reminders_user_id", "company_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    Index(
        "uq_reminders_single",
        "company_id",
        "task_id",
        "kind",
        unique=True,
        postgresql_where=text("kind IN ('remind_at', 'overdue')"),
    ),
    # Across tenants: read by due_reminders() alone.
    Index("ix_reminders_waiting", "fire_at", postgresql_where=text("state = 'waiting'")),
)

# They have no version and no events; audit is not their place.
notifications = Table(
    "notifications",
    metadata,
    Column("company_id", BigInteger, primary_key=True, autoincrement=False),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("subject_table", String(50), nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("title", String(rules.LONGEST_TITLE), nullable=False),
    Column("details", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("event_id", Uuid(as_uuid=False), nullable=False),
    timestamp("created_at", default=True),
    timestamp("read_at"),
    one_of("kind", rules.NOTIFICATION_KINDS),
    USERS.foreign_key("user_id", ondelete="CASCADE"),
    UniqueConstraint("company_id", "user_id", "kind", "event_id"),
    Index("ix_notifications_user_id", "company_id", "user_id", "created_at", "id"),
    Index("ix_notifications_unread", "company_id", "user_id", "id", postgresql_where=text("read_at IS NULL")),
    # Across tenants: old ones are deleted for all at once.
    Index("ix_notifications_created_at", "created_at"),
    info={"tenant": "company_id"},
)

user_settings = tenant_table(
    "user_settings",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("time_zone", String(64)),
    Column("day_starts_at", Time(timezone=False), nullable=False, server_default=text("'09:00'")),
    Column("default_reminders", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("email_reminders", Boolean, nullable=False, server_default=text("false")),
    Column("digest", Boolean, nullable=False, server_default=text("false")),
    Column("digest_at", Time(timezone=False), nullable=False, server_default=text("'08:00'")),
    # 1 is Monday (ISO 8601).
    Column("digest_days", JSONB, nullable=False, server_default=text("'[1, 2, 3, 4, 5]'::jsonb")),
    CheckConstraint("jsonb_typeof(default_reminders) = 'array'", name="default_reminders"),
    CheckConstraint("jsonb_typeof(digest_days) = 'array'", name="digest_days"),
    USERS.foreign_key("user_id", ondelete="CASCADE"),
    UniqueConstraint("company_id", "user_id"),
    # Across tenants: the worker looks for digests that are due in all of them.
    Index("ix_user_settings_digest", "digest_at", "time_zone", postgresql_where=text("digest")),
)

# The hash of a URL's secret part; the secret is shown once and kept nowhere. How often it was asked for in the hour
# that began at counted_from is no change of the record.
calendar_feeds = tenant_table(
    "calendar_feeds",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    Column("as", String(10), nullable=False, server_default="events"),
    Column("include", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    timestamp("counted_from", default=True),
    Column("asked", Integer, nullable=False, server_default=text("0")),
    one_of('"as"', rules.FEED_KINDS, name="as"),
    CheckConstraint("jsonb_typeof(include) = 'object'", name="include"),
    USERS.foreign_key("user_id", ondelete="CASCADE"),
    UniqueConstraint("company_id", "user_id"),
    # Across tenants: found by its hash before there is a tenant.
    UniqueConstraint("token_hash"),
)

# One letter per user and local day, whatever restarts.
digests = tenant_table(
    "digests",
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("local_date", Date, nullable=False),
    Column("due_at", DateTime(timezone=True), nullable=False),
    USERS.foreign_key("user_id", ondelete="CASCADE"),
    UniqueConstraint("company_id", "user_id", "local_date"),
    # Across tenants: old ones are forgotten for all at once.
    Index("ix_digests_due_at", "due_at"),
)

# What a letter says is made when it leaves; until then its text is nothing but what its Message-ID is made from.
mails = mails_table(
    metadata,
    Column("user_id", BigInteger, nullable=False),
    Column("reminder_id", BigInteger),
    timestamp("fired_for"),
    Column("digest_id", BigInteger),
    CheckConstraint("(reminder_id IS NULL) <> (digest_id IS NULL)", name="about"),
    CheckConstraint("(reminder_id IS NULL) = (fired_for IS NULL)", name="fired_for"),
    part_of("reminders", "reminder_id"),
    part_of("digests", "digest_id"),
    USERS.foreign_key("user_id", ondelete="CASCADE"),
    UniqueConstraint("company_id", "reminder_id", "fired_for"),
    UniqueConstraint("company_id", "digest_id"),
    Index("ix_mails_user_id", "company_id", "user_id"),
)
MAILS = Mails(mails, "user_id", "reminder_id", "fired_for", "digest_id")
