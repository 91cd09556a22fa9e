"""Merges go with the customers that they tell of."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("GRANT DELETE ON merges TO customers_app")


def downgrade() -> None:
    op.execute("REVOKE DELETE ON merges FROM customers_app")
