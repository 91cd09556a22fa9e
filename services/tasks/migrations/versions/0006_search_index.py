"""The searched text of the tasks that there are, and its index."""

from chassis.db.search_migration import fill_search_index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fill_search_index("tasks")


def downgrade() -> None:
    """The version before works with these too."""
