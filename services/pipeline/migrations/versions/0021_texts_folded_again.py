"""The searched texts of the leads and deals that there are, folded anew."""

from chassis.db.search_migration import fill_search_text

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("leads", "deals"):
        fill_search_text(table)


def downgrade() -> None:
    """The version before works with these too."""
