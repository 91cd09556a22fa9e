"""A second key of names, for who writes ue for ü."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Run again as a whole if it dies.
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE customers ADD COLUMN IF NOT EXISTS name_two TEXT")
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_customers_name_two")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_customers_name_two ON customers (company_id, name_two)"
            " WHERE name_two IS NOT NULL"
        )


def downgrade() -> None:
    """The version before works with it too."""
