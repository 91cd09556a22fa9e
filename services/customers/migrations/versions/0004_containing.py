"""Lists by a part of a text."""

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.search_migration import answers

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# It answers where rows lie and not their ids, for the same statement to read them without a second index. Whoever has
# `part` in a column that the searched text is made of has it, folded, in that text; but two characters of ASCII between
# others are in no gram. Where a fifth of the newest hundred have the part, so many have it that to name them is dearer
# than to read the list until the page is full: the index would first put together all of them, which takes tens of
# milliseconds in a company of some hundred thousand. The limit is hidden from the planner, which would else make a plan
# that sorts the whole company where it thinks the average company small; so is the company's column where the grams are
# asked for. A function of plpgsql keeps its plan.
CONTAINING = f"""
    CREATE FUNCTION find_customers_containing(part text, most integer) RETURNS tid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        folded text := fold_text(part);
        places tid[];
    BEGIN
        IF length(folded) < 2 OR octet_length(folded) < 3 OR 20 <= (
            SELECT count(*) FROM (
                SELECT c.search_text FROM customers c WHERE c.company_id = {TENANT} AND c.archived_at IS NULL
                ORDER BY c.created_at DESC, c.id DESC LIMIT (SELECT 100)
            ) newest WHERE strpos(newest.search_text, folded) > 0
        ) THEN
            RETURN NULL;
        END IF;
        places := ARRAY(
            SELECT f.place FROM text_questions({TENANT}, folded) a CROSS JOIN LATERAL (
                SELECT c.ctid AS place FROM customers c WHERE {answers("a")}
                AND c.company_id + 0 = {TENANT} LIMIT most + 1
            ) f
        );
        RETURN CASE WHEN cardinality(places) <= most THEN places END;
    END $$
"""


FUNCTION = "find_customers_containing(text, integer)"


def upgrade() -> None:
    op.execute(CONTAINING)
    op.execute(f"REVOKE ALL ON FUNCTION {FUNCTION} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {FUNCTION} TO customers_app")


def downgrade() -> None:
    op.execute(f"DROP FUNCTION {FUNCTION}")
