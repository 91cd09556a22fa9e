"""Imports say for which service they wait."""

from imports.engine.migrations import let_imports_wait

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    let_imports_wait("customer")


def downgrade() -> None:
    """The version before works with them too."""
