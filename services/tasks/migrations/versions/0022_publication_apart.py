"""What waits to be published, and what was, is kept apart from the events, which never change."""

from alembic import op

from chassis.db.outbox_migration import separate_publication

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    separate_publication("tasks")
    # The relay alone reads them. One of the release before waits until it is replaced; requests go on.
    op.execute(
        "-- squawk-ignore ban-drop-column\n"
        "ALTER TABLE outbox DROP COLUMN IF EXISTS published_at, DROP COLUMN IF EXISTS attempts,"
        " DROP COLUMN IF EXISTS next_attempt_at, DROP COLUMN IF EXISTS last_error"
    )


def downgrade() -> None:
    """Events that were published are not marked in the outbox: a relay of the version before would send them again."""
