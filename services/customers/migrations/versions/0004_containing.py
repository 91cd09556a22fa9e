"""Lists by a part of a text."""

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.text_functions import answers

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Whoever has `part` in a column that the searched text is made of has it, folded, in that text; but two characters of
# ASCII between others are in no gram, so nothing is known of them. The company's column is hidden from the planner, which
# would else read all of a company by another index where it thinks the average company small.
CONTAINING = f"""
    CREATE FUNCTION find_customers_containing(part text, most integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        folded text := fold_text(part);
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


FUNCTION = "find_customers_containing(text, integer)"


def upgrade() -> None:
    op.execute(CONTAINING)
    op.execute(f"REVOKE ALL ON FUNCTION {FUNCTION} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO customers_app")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {FUNCTION}")
