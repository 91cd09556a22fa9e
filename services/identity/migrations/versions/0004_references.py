"""The ids of all companies, for the services that keep references to what identity knows."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Row-level security shows one company at a time. This tells which there are and nothing else of them; what they and
# their members are is read in the tenant of each.
FUNCTION = """
    CREATE FUNCTION company_ids(after bigint, most integer) RETURNS TABLE (id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
        SELECT c.id FROM public.companies c WHERE c.id > after ORDER BY c.id LIMIT most
    $$
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    op.execute("REVOKE ALL ON FUNCTION company_ids(bigint, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION company_ids(bigint, integer) TO identity_app")


def downgrade() -> None:
    op.execute("DROP FUNCTION company_ids(bigint, integer)")
