"""The searched texts of the customers and contacts that there are, folded anew."""

from chassis.db.search_migration import fill_search_text

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("customers", "contacts"):
        fill_search_text(table)


def downgrade() -> None:
    """The version before works with these too."""
