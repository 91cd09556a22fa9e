"""The name of an archived customer may be given again."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Beside a service that works on; if it dies, it is run again as a whole. What was unique among more is so among fewer.
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_customers_name_live")
        op.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS uq_customers_name_live"
            " ON customers (company_id, name, company_name) WHERE archived_at IS NULL"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS uq_customers_name_unmerged")


def downgrade() -> None:
    """The version before works with it too."""
