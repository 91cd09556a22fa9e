"""A search gathers its hits in arrays, statement by statement, and leaves out the statements that it need not ask."""

from chassis.db.search_migration import Searched, create_search

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TASKS = Searched("tasks", service="tasks", columns=("title",), texts=("description",))


def upgrade() -> None:
    create_search(TASKS)


def downgrade() -> None:
    """The version before works with this too."""
