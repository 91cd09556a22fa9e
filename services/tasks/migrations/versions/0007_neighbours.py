"""By which event leads and deals were archived, and what is kept long enough."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ARCHIVING = """
    ALTER TABLE lead_refs ADD COLUMN archived_by_event UUID;
    ALTER TABLE deal_refs ADD COLUMN archived_by_event UUID;
"""

# The worker has no tenant when it looks for what is kept long enough: tasks for three years after they were completed,
# or after the last change of one that was cancelled; activities for seven years. Open tasks never expire.
EXPIRED = """
    CREATE FUNCTION expired_tasks(most integer) RETURNS TABLE (company_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT t.company_id, t.id FROM public.tasks t
        WHERE (t.status = 'completed' AND t.completed_at < now() - interval '3 years')
        OR (t.status = 'cancelled' AND t.updated_at < now() - interval '3 years')
        LIMIT most
    $$;

    CREATE FUNCTION expired_activities(most integer) RETURNS TABLE (company_id bigint, id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT a.company_id, a.id FROM public.activities a
        WHERE a.activity_date < now() - interval '7 years' LIMIT most
    $$;
"""


def upgrade() -> None:
    op.execute(ARCHIVING)
    op.execute(EXPIRED)
    for function in ("expired_tasks(integer)", "expired_activities(integer)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO tasks_app")


def downgrade() -> None:
    """The version before works with these too."""
