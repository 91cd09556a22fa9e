"""Searches of tasks fold as those of customers and leads do."""

from chassis.db.search_migration import Searched, create_search, keep_search_text
from chassis.db.text_functions import create_text_functions

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TASKS = Searched("tasks", service="tasks", columns=("title",), texts=("description",))


def upgrade() -> None:
    create_text_functions()
    keep_search_text(TASKS)
    create_search(TASKS)


def downgrade() -> None:
    """The version before works with these too."""
