"""Files of leads on their way in."""

from imports.engine.migrations import create_imports

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    create_imports("lead", service="pipeline", match_by=("id", "email"), record_types=("lead",))


def downgrade() -> None:
    """The version before works with them too."""
