"""A search for an address finds whose it is, be its domain written in Unicode or in ASCII."""

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.search_migration import Searched, create_search

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

CUSTOMERS = Searched(
    "customers",
    service="customers",
    columns=("name", "company_name", "email", "customer_code"),
    digits=("phone", "secondary_phone"),
    e164="phone_e164",
    code="customer_code",
    keys=("email_norm", "phone_tail", "domain_norm", "name_norm", "name_two"),
    by_address=True,
    instead="merged_into",
)
CONTACTS = Searched(
    "contacts",
    service="customers",
    columns=("first_name", "last_name", "email", "job_title"),
    digits=("phone",),
    e164="phone_e164",
    keys=("email_norm",),
    by_address=True,
)
# As before, with the address.
FIND = f"""
    CREATE OR REPLACE FUNCTION find_customers(words text, most integer, address text)
    RETURNS TABLE (id bigint, rank real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY WITH found AS MATERIALIZED (
            SELECT s.id, s.rank, s.rank >= 1 AS sure FROM search_customers(words, most, address) s
            UNION ALL
            SELECT p.customer_id, (s.rank - 1.5)::real, s.rank >= 1
            FROM search_contacts(words, most, address) s
            CROSS JOIN LATERAL (
                SELECT c.customer_id FROM contacts c
                WHERE c.company_id = {TENANT} AND c.id = s.id AND c.archived_at IS NULL LIMIT 1
            ) p
        ), best AS MATERIALIZED (
            SELECT f.id, max(f.rank) AS rank FROM found f
            WHERE f.sure OR NOT EXISTS (SELECT FROM found WHERE sure) GROUP BY f.id
        ), now AS MATERIALIZED (
            SELECT CASE WHEN c.merged_into IS NULL THEN b.id ELSE find_survivor(c.merged_into) END AS id, b.rank
            FROM best b CROSS JOIN LATERAL (
                SELECT c.merged_into FROM customers c WHERE c.company_id = {TENANT} AND c.id = b.id LIMIT 1
            ) c
        )
        SELECT n.id, max(n.rank) FROM now n GROUP BY n.id ORDER BY 2 DESC, 1 DESC LIMIT most;
    END $$;
"""
FUNCTION = "find_customers(text, integer, text)"


def upgrade() -> None:
    # Those of two arguments stay for the version before, and may go with a later one.
    for searched in (CUSTOMERS, CONTACTS):
        create_search(searched)
    op.execute(FIND)
    op.execute(f"REVOKE ALL ON FUNCTION {FUNCTION} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO customers_app")


def downgrade() -> None:
    """The version before works with these too."""
