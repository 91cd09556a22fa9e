"""The chassis' tables, and the functions that make texts comparable: folded, and cut into what an index holds."""

from chassis.db.migrations import create_chassis_tables
from chassis.db.text_functions import create_text_functions

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_chassis_tables("customers")
    create_text_functions()


def downgrade() -> None:
    """There is nothing before the first migration; destroying a database is the operator's to do."""
