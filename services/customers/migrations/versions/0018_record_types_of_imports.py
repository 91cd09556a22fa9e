"""Imports say what their files hold: customers, or contacts."""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # All there are hold customers: the check is of a constant, and looks at no row for long.
    op.execute(
        "ALTER TABLE customer_imports ADD COLUMN record_type VARCHAR(20) DEFAULT 'customer' NOT NULL"
        " CONSTRAINT ck_customer_imports_record_type CHECK (record_type IN ('customer', 'contact'))"
    )


def downgrade() -> None:
    """The version before works with it too."""
