"""Check what migration 0002 let stand unchecked, without a lock on writers."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE user_companies VALIDATE CONSTRAINT ck_user_companies_status")
    op.execute("ALTER TABLE user_companies VALIDATE CONSTRAINT ck_user_companies_transfer_plan")


def downgrade() -> None:
    """A constraint that holds is no hindrance to the version before."""
