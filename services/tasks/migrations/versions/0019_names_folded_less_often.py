"""A search folds a title only where that can change how well it fits."""

from chassis.db.search_migration import Searched, create_search

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TASKS = Searched("tasks", service="tasks", columns=("title",), texts=("description",))


def upgrade() -> None:
    create_search(TASKS)


def downgrade() -> None:
    """The version before works with this too."""
