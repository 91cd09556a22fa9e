"""Imports say what the rows of their file seem to be."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Null in all that there are, so that the check is short.
    op.execute(
        "ALTER TABLE customer_imports ADD COLUMN proposed_record_type VARCHAR(20)"
        " CONSTRAINT ck_customer_imports_proposed_record_type"
        " CHECK (proposed_record_type IN ('customer', 'contact', 'customer_and_contact'))"
    )


def downgrade() -> None:
    """The version before works with it too."""
