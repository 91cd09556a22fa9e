"""Lists by a part that many have elsewhere, and by one among characters of other kinds."""

from alembic import op

from chassis.db.migrations import TENANT

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# As it was, but that the neighbour of so short a piece may be any character of ASCII, a tab as well.
QUESTIONS = """
    CREATE OR REPLACE FUNCTION customer_questions(company bigint, given text)
    RETURNS TABLE (every bigint[], one bigint[]) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 2 AS $$
    DECLARE n integer := length(given);
    BEGIN
        IF n < 2 THEN
            RETURN;
        ELSIF octet_length(given) > n THEN
            RETURN QUERY SELECT array_agg(public.customer_gram(company, substr(given, i, 2))), NULL::bigint[]
            FROM generate_series(1, n - 1) i WHERE octet_length(substr(given, i, 2)) > 2;
        ELSIF n > 3 THEN
            RETURN QUERY SELECT array_agg(public.customer_gram(company, substr(given, i, 3))), NULL::bigint[]
            FROM generate_series(1, n - 2) i GROUP BY i % 2;
        ELSE
            -- Where so short a piece lies at an odd place, the windows hold a neighbour that can only be guessed.
            RETURN QUERY SELECT NULL::bigint[], array_agg(public.customer_gram(company, piece)) FROM (
                SELECT given WHERE n = 3
                UNION ALL
                SELECT unnest(CASE n WHEN 2 THEN ARRAY[chr(i) || given, given || chr(i)] ELSE ARRAY[chr(i) || left(given, 2)] END)
                FROM generate_series(1, 127) i WHERE i NOT BETWEEN 65 AND 90
            ) pieces(piece);
        END IF;
    END $$
"""

# As it was, but for two characters of ASCII, which between others are in no gram, and for the newest hundred. Where a
# fifth of these have the part, so many have it that to name them is dearer than to read the list until the page is
# full: the index would first put together all of them, which takes tens of milliseconds in a company of some hundred
# thousand. The limit is hidden from the planner, which would else make a plan that sorts the whole company where it
# thinks the average company small.
CONTAINING = f"""
    CREATE OR REPLACE FUNCTION find_customers_containing(part text, most integer) RETURNS tid[]
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
            SELECT f.place FROM customer_questions({TENANT}, folded) a CROSS JOIN LATERAL (
                SELECT c.ctid AS place FROM customers c
                WHERE (customer_grams(c.company_id, c.search_text) @> a.every
                       OR customer_grams(c.company_id, c.search_text) && a.one)
                AND c.company_id + 0 = {TENANT} LIMIT most + 1
            ) f
        );
        RETURN CASE WHEN cardinality(places) <= most THEN places END;
    END $$
"""


def upgrade() -> None:
    op.execute(QUESTIONS)
    op.execute(CONTAINING)


def downgrade() -> None:
    """The version before works with this too."""
