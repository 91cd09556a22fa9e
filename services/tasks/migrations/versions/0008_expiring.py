"""Where the retention jobs look, in the order of age, across tenants."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_tasks_expiring": "tasks (coalesce(completed_at, updated_at)) WHERE status IN ('completed', 'cancelled')",
    # BRIN, as what is old lies together: some kilobytes for millions of rows, and next to no cost when one is added.
    "ix_activities_age": "activities USING brin (activity_date) WITH (autosummarize = on)",
}
# What was cancelled expires by its last change.
EXPIRED_TASKS = """
    CREATE OR REPLACE FUNCTION expired_tasks(most integer) RETURNS TABLE (company_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT t.company_id, t.id FROM public.tasks t
        WHERE t.status IN ('completed', 'cancelled')
        AND coalesce(t.completed_at, t.updated_at) < now() - interval '3 years'
        ORDER BY coalesce(t.completed_at, t.updated_at) LIMIT most
    $$;
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {definition}")
        op.execute(EXPIRED_TASKS)


def downgrade() -> None:
    """The version before works with these too."""
