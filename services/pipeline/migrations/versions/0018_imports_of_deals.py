"""Files of deals on their way in."""

from imports.engine.migrations import create_imports

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_imports("deal", service="pipeline", match_by=("id", "deal_name"), record_types=("deal",))


def downgrade() -> None:
    """The version before works with them too."""
