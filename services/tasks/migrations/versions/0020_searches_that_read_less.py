"""A search looks at fewer records, and does less for each of them.

It reads fewer of the newest ones, looks for a word of four or five letters by what lies beside it as well, and folds no
name that begins otherwise than what is asked for.
"""

from chassis.db.search_migration import Searched, create_search
from chassis.db.text_functions import create_gram_questions

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TASKS = Searched("tasks", service="tasks", columns=("title",), texts=("description",))


def upgrade() -> None:
    create_gram_questions()
    create_search(TASKS)


def downgrade() -> None:
    """The version before works with this too."""
