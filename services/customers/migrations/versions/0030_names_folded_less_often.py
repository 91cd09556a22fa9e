"""Searches do less for each record that they find.

They fold a name only where that can change how well it fits, ask for the survivors of merged ones alone, and take who has
a part of a text in two places once.
"""

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.search_migration import Searched, create_search
from chassis.db.text_functions import answers_any, questions_at_once

revision = "0030"
down_revision = "0029"
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
    last="find_survivor",
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
# As before, with survivors found by search_customers() itself.
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
            SELECT CASE WHEN c.merged_into IS NULL THEN c.id ELSE find_survivor(c.merged_into) END,
                (s.rank - 1.5)::real, s.rank >= 1
            FROM search_contacts(words, most, address) s
            CROSS JOIN LATERAL (
                SELECT c.customer_id FROM contacts c
                WHERE c.company_id = {TENANT} AND c.id = s.id AND c.archived_at IS NULL LIMIT 1
            ) p
            CROSS JOIN LATERAL (
                SELECT c.id, c.merged_into FROM customers c
                WHERE c.company_id = {TENANT} AND c.id = p.customer_id LIMIT 1
            ) c
        )
        SELECT f.id, max(f.rank) FROM found f
        WHERE f.sure OR NOT EXISTS (SELECT FROM found WHERE sure)
        GROUP BY f.id ORDER BY 2 DESC, 1 DESC LIMIT most;
    END $$;
"""

# As before, with who has the part in two places counted once.
CONTAINING = f"""
    CREATE OR REPLACE FUNCTION find_customers_containing(part text, most integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        folded text := btrim(fold_text(part));
        found bigint[];
    BEGIN
        IF length(folded) < 2 OR octet_length(folded) < 3 THEN
            RETURN NULL;
        END IF;
        found := ARRAY(
            SELECT f.id FROM ({questions_at_once("folded")}) a CROSS JOIN LATERAL (
                SELECT c.id FROM customers c WHERE {answers_any("a")} AND c.company_id + 0 = {TENANT} LIMIT most + 1
            ) f
        );
        RETURN CASE WHEN cardinality(found) <= most THEN found END;
    END $$
"""


def upgrade() -> None:
    for searched in (CUSTOMERS, CONTACTS):
        create_search(searched)
    op.execute(FIND)
    op.execute(CONTAINING)


def downgrade() -> None:
    """The version before works with these too."""
