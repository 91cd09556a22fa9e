"""Search of contacts, and of customers by the people there and by what they were merged from."""

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.search_migration import Searched, create_search, keep_search_text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

CONTACTS = Searched(
    "contacts",
    service="customers",
    columns=("first_name", "last_name", "email", "job_title"),
    digits=("phone",),
    e164="phone_e164",
    keys=("email_norm",),
)

# search_customers() names the customer that another was merged into, which may have been merged since. Who is found by a
# person there comes behind who is called like that. What merely resembles the words is left out where something has them.
FIND = f"""
    CREATE OR REPLACE FUNCTION find_survivor(customer bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE into_id bigint;
    BEGIN
        LOOP
            SELECT c.merged_into INTO into_id FROM customers c WHERE c.company_id = {TENANT} AND c.id = customer;
            EXIT WHEN into_id IS NULL;
            customer := into_id;
        END LOOP;
        RETURN customer;
    END $$;

    CREATE OR REPLACE FUNCTION find_customers(words text, most integer) RETURNS TABLE (id bigint, rank real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
    #variable_conflict use_column
    BEGIN
        RETURN QUERY WITH found AS MATERIALIZED (
            SELECT s.id, s.rank, s.rank >= 1 AS sure FROM search_customers(words, most) s
            UNION ALL
            SELECT p.customer_id, (s.rank - 1.5)::real, s.rank >= 1
            FROM search_contacts(words, most) s
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
FUNCTIONS = ("find_survivor(bigint)", "find_customers(text, integer)")


def upgrade() -> None:
    op.execute("ALTER TABLE contacts ADD COLUMN search_text TEXT")
    keep_search_text(CONTACTS)
    create_search(CONTACTS)
    op.execute(FIND)
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO customers_app")


def downgrade() -> None:
    """The version before works with these too."""
