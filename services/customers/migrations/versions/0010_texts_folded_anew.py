"""The searched texts of the customers that there are, folded anew."""

from chassis.db.search_migration import fill_search_text

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    fill_search_text("customers")


def downgrade() -> None:
    """The version before works with these too."""
