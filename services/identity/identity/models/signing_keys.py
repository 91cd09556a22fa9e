"""Keys that sign tokens."""

from sqlalchemy import CheckConstraint, Column, Index, LargeBinary, String, Table, Text, text

from chassis.db.tables import one_of, timestamp
from identity.models.metadata import metadata
from identity.rules import KEY_STATUSES

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
