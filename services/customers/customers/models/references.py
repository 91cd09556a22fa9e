"""What is known of other services' records."""

from sqlalchemy import Column, ForeignKeyConstraint, String, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.references import CompanyReference, UserReference
from customers.models.metadata import metadata

COMPANY = CompanyReference(
    metadata,
    # Where its phone numbers are from, and what it has set.
    Column("region", String(2)),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
)
USERS = UserReference(metadata)
REFERENCES = (COMPANY, USERS)


def user(column: str) -> ForeignKeyConstraint:
    """A user of the same company; when the user goes, what they made or looked after stays (both seeds)."""
    return USERS.foreign_key(column, ondelete="SET NULL")
