"""The searched texts of the tasks that there are, folded anew."""

from chassis.db.search_migration import fill_search_text

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fill_search_text("tasks")


def downgrade() -> None:
    """The version before works with these too."""
