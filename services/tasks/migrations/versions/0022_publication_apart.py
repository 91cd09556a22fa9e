"""What waits to be published, and what was, is kept apart from the events, which never change."""

from chassis.db.outbox_migration import separate_publication

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    separate_publication("tasks")


def downgrade() -> None:
    """Events that were published are not marked in the outbox: a relay of the version before would send them again."""
