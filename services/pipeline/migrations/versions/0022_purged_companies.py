"""Companies that are purged: which ones were, and the function by which all that is theirs goes."""

from chassis.db.migrations import create_company_purges

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_company_purges("pipeline")


def downgrade() -> None:
    """Which companies were purged would be forgotten, and the next late event would bring one of them back."""
