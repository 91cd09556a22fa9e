"""The searched texts of the leads and deals that there are, and their indexes."""

from chassis.db.search_migration import fill_search_index

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("leads", "deals"):
        fill_search_index(table)


def downgrade() -> None:
    """The version before works with these too."""
