"""Search of tasks."""

from alembic import op

from chassis.db.search_migration import Searched, create_search, keep_search_text
from chassis.db.text_functions import create_text_functions

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TASKS = Searched("tasks", service="tasks", columns=("title",), texts=("description",))


def upgrade() -> None:
    create_text_functions()
    op.execute("ALTER TABLE tasks ADD COLUMN search_text TEXT")
    keep_search_text(TASKS)
    create_search(TASKS)


def downgrade() -> None:
    """The version before works with these too."""
