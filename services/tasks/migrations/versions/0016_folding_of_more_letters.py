"""Searches of tasks fold as those of customers do."""

from chassis.db.search_migration import Searched, create_search
from chassis.db.text_functions import create_text_functions

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TASKS = Searched("tasks", service="tasks", columns=("title",), texts=("description",))


def upgrade() -> None:
    create_text_functions()
    create_search(TASKS)


def downgrade() -> None:
    """The version before works with these too."""
