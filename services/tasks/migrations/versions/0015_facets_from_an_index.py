"""Facets read the index of the tasks that a list shows, and none of these."""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_tasks_shown")
        op.execute(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_tasks_shown ON tasks (company_id, created_at, id)"
            " INCLUDE (status, task_type, priority, assigned_to) WHERE archived_at IS NULL"
        )
        # Only now, so that lists have one all the time.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix_tasks_company_id_created_at")


def downgrade() -> None:
    """The version before works with it too."""
