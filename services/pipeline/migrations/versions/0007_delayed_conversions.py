"""How many conversions have been waiting for long, of all tenants: for a metric."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

DELAYED = """
    CREATE FUNCTION delayed_conversions(since timestamp with time zone) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT count(*) FROM public.conversions c WHERE c.state = 'converting' AND c.created_at < since
    $$;
"""


def upgrade() -> None:
    op.execute(DELAYED)
    op.execute("REVOKE ALL ON FUNCTION delayed_conversions(timestamp with time zone) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION delayed_conversions(timestamp with time zone) TO pipeline_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION delayed_conversions(timestamp with time zone)")
