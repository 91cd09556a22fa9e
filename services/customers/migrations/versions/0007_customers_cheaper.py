"""Lists by a part of a text and imports made cheaper."""

from alembic import op

from chassis.db.migrations import TENANT

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# An import's rows as its try has read them, so that they are read and checked once.
CHECKED = "ALTER TABLE import_chunks ADD COLUMN checked BYTEA"

# Half of what ANALYZE costs goes into these two, and no plan is better for it: the grams are of a tenant each, and the
# searched text is only looked at in rows that were found by another column.
UNCOUNTED = """
    ALTER INDEX ix_customers_grams ALTER COLUMN 1 SET STATISTICS 0;
    ALTER TABLE customers ALTER COLUMN search_text SET STATISTICS 0;
"""

# Takes the place of customers_containing(), which the version before asks. It answers where rows lie and not their ids,
# for the same statement to read them without a second index. Whoever has `part` in a column that the searched text is
# made of has it, folded, in that text. A function of plpgsql keeps its plan; where the grams are asked for, the
# company's column is hidden from the planner, which might otherwise read all that the company has.
CONTAINING = f"""
    CREATE FUNCTION find_customers_containing(part text, most integer) RETURNS tid[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        folded text := fold_text(part);
        places tid[];
    BEGIN
        IF length(folded) < 2 THEN
            RETURN NULL;
        END IF;
        places := ARRAY(
            SELECT f.place FROM customer_questions({TENANT}, folded) a CROSS JOIN LATERAL (
                SELECT c.ctid AS place FROM customers c
                WHERE (customer_grams(c.company_id, c.search_text) @> a.every
                       OR customer_grams(c.company_id, c.search_text) && a.one)
                AND c.company_id + 0 = {TENANT} LIMIT most + 1
            ) f
        );
        RETURN CASE WHEN cardinality(places) <= most THEN places END;
    END $$;

    REVOKE ALL ON FUNCTION find_customers_containing(text, integer) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION find_customers_containing(text, integer) TO customers_app;
"""


def upgrade() -> None:
    op.execute(CHECKED)
    op.execute(UNCOUNTED)
    op.execute(CONTAINING)


def downgrade() -> None:
    """The version before works with these too."""
