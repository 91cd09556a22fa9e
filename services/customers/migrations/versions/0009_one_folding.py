"""Searches fold as matching does, find numbers with and without their country, and who was merged."""

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.search_migration import Searched, create_search, keep_search_text
from chassis.db.text_functions import answers, create_text_functions

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

SEARCHED = Searched(
    "customers",
    service="customers",
    columns=("name", "company_name", "email", "customer_code"),
    digits=("phone", "secondary_phone"),
    e164="phone_e164",
    code="customer_code",
    keys=("email_norm", "phone_tail", "name_norm", "name_two"),
    instead="merged_into",
)

# As in 0004, without the blanks at the ends of the part: the folding leaves out blanks between signs of China and Japan.
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
            SELECT f.id FROM text_questions({TENANT}, folded) a CROSS JOIN LATERAL (
                SELECT c.id FROM customers c WHERE {answers("a")} AND c.company_id + 0 = {TENANT} LIMIT most + 1
            ) f
        );
        RETURN CASE WHEN cardinality(found) <= most THEN found END;
    END $$
"""


def upgrade() -> None:
    create_text_functions()
    keep_search_text(SEARCHED)
    create_search(SEARCHED)
    op.execute(CONTAINING)


def downgrade() -> None:
    """The version before works with these too."""
