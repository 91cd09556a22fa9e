"""The searched texts of the contacts that there are, and their index."""

from chassis.db.search_migration import fill_search_index

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fill_search_index("contacts")


def downgrade() -> None:
    """The version before works with these too."""
