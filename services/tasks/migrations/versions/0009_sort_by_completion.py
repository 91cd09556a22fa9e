"""Sorted by completion, those that are not completed come last, in the order of their ids: from the same index."""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_tasks_company_id_completed_at")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_tasks_company_id_completed_at"
            " ON tasks (company_id, completed_at, id)"
        )
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_tasks_completed_at")


def downgrade() -> None:
    """The version before works with these too."""
