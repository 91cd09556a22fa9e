"""The searched texts of the contacts that there are, with the whole name in either order."""

from chassis.db.search_migration import fill_search_text

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fill_search_text("contacts")


def downgrade() -> None:
    """The version before works with these too."""
