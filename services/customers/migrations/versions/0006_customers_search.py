"""Search that costs the same in a large company, and indexes for the lists that had to read all of a company's rows."""

from alembic import op

from chassis.db.migrations import TENANT

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Folding a record's text costs more than all else of a search, so it is done once, when the record is written. A trigger
# and not a generated column: adding one of those would rewrite the table under an exclusive lock.
TEXT = """
    ALTER TABLE customers ADD COLUMN search_text TEXT;

    -- Names are written out in full, since a SET clause would cost more than the rest of it.
    CREATE FUNCTION keep_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.search_text := pg_catalog.lower(public.unaccent('public.unaccent', pg_catalog.concat_ws(' ', NEW.name,
            NEW.company_name, NEW.email, NEW.customer_code, pg_catalog.regexp_replace(NEW.phone, '[^0-9]', '', 'g'))));
        RETURN NEW;
    END $$;

    CREATE TRIGGER keep_search_text
    BEFORE INSERT OR UPDATE OF name, company_name, email, phone, customer_code, search_text ON customers
    FOR EACH ROW EXECUTE FUNCTION keep_search_text();
"""

# In small transactions of their own, beside the writers; the trigger fills in the text.
BACKFILL = """
    DO $$
    DECLARE
        done bigint := 0;
        upto bigint;
    BEGIN
        LOOP
            SELECT max(id) INTO upto FROM (SELECT id FROM customers WHERE id > done ORDER BY id LIMIT 1000) portion;
            EXIT WHEN upto IS NULL;
            UPDATE customers SET search_text = '' WHERE id > done AND id <= upto AND search_text IS NULL;
            COMMIT; done := upto;
        END LOOP;
    END $$
"""

NEW = {
    "ix_customers_company_id_search_text": "USING gin (company_id, search_text gin_trgm_ops)",
    "ix_customers_company_id_assigned_to_created_at": "(company_id, assigned_to, created_at, id)",
    "ix_customers_company_id_created_by_created_at": "(company_id, created_by, created_at, id)",
    "ix_customers_company_id_email": "(company_id, email)",
    "ix_customers_company_id_phone": "(company_id, phone)",
    "ix_customers_company_id_city": "(company_id, city, created_at, id)",
}
# The new ones begin with the same columns; the partial one was read by no query.
OLD = (
    "ix_customers_search_text",
    "ix_customers_company_id_assigned_to_status",
    "ix_customers_company_id_assigned_to_active",
    "ix_customers_company_id_created_by",
)

# What is ranked is bounded: a code, an address or the beginning of a name is found by an index of its own and is always
# among it, and of those that have the words somewhere the first `most` that come, the newest first: the commoner a word,
# the sooner they are together, while the index of the words is read through whole. Only where nothing has the words as
# they are does it look for what resembles them, which is dear. A code, an address or a number that is somebody's is not
# looked for inside of others.
SEARCH = f"""
    CREATE OR REPLACE FUNCTION search_customers(words text, most integer) RETURNS TABLE (id bigint, rank real)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
    SET search_path = pg_catalog, public, pg_temp SET pg_trgm.word_similarity_threshold = 0.45 AS $$
        WITH q AS MATERIALIZED (
            SELECT folded, btrim(words) AS given,
                replace(replace(replace(folded, chr(92), chr(92) || chr(92)), '%', chr(92) || '%'), '_', chr(92) || '_')
                AS pattern
            FROM (SELECT CASE WHEN words ~ '^[-+0-9 ()./]{{4,}}$' THEN regexp_replace(words, '[^0-9]', '', 'g')
                         ELSE fold_text(btrim(words)) END AS folded) folding
        ), exact AS MATERIALIZED (
            (SELECT c.id FROM customers c WHERE c.company_id = {TENANT}
             AND c.customer_code = ANY (ARRAY(SELECT unnest(ARRAY[given, upper(given)]) FROM q)) LIMIT most)
            UNION
            (SELECT c.id FROM customers c WHERE c.company_id = {TENANT}
             AND c.email_norm = (SELECT lower(given) FROM q) LIMIT most)
            UNION
            (SELECT c.id FROM customers c WHERE c.company_id = {TENANT}
             AND c.phone_tail = (SELECT right(folded, 10) FROM q WHERE folded ~ '^[0-9]{{7,}}$') LIMIT most)
        ), newest AS MATERIALIZED (
            SELECT n.id FROM (
                SELECT c.id, c.search_text FROM customers c WHERE c.company_id = {TENANT} AND c.archived_at IS NULL
                ORDER BY c.created_at DESC, c.id DESC LIMIT 1000
            ) n WHERE n.search_text LIKE (SELECT '%' || pattern || '%' FROM q)
            AND ((SELECT folded !~ '[0-9@]' FROM q) OR NOT EXISTS (SELECT FROM exact)) LIMIT most
        ), hits AS MATERIALIZED (
            SELECT e.id FROM exact e
            UNION
            SELECT n.id FROM newest n
            UNION
            (SELECT c.id FROM customers c WHERE c.company_id = {TENANT}
             AND c.name_norm >= (SELECT folded FROM q) AND c.name_norm < (SELECT folded || chr(1114111) FROM q)
             LIMIT most)
            UNION
            (SELECT c.id FROM customers c WHERE c.company_id = {TENANT}
             AND c.search_text LIKE (SELECT '%' || pattern || '%' FROM q)
             AND ((SELECT folded !~ '[0-9@]' FROM q) OR NOT EXISTS (SELECT FROM exact))
             AND (SELECT count(*) FROM newest) < most LIMIT most)
        ), alike AS MATERIALIZED (
            SELECT c.id FROM customers c WHERE c.company_id = {TENANT}
            AND (SELECT folded FROM q) <% c.search_text AND NOT EXISTS (SELECT FROM hits) LIMIT most
        )
        SELECT f.id, f.rank FROM (
            SELECT c.id, (
                CASE WHEN lower(c.customer_code) = q.folded OR lower(c.email) = q.folded THEN 5
                     WHEN c.search_text LIKE q.pattern || '%' THEN
                         CASE WHEN fold_text(c.name) = q.folded THEN 4 ELSE 3 END
                     WHEN c.search_text LIKE '% ' || q.pattern || '%' THEN 2
                     WHEN c.search_text LIKE '%' || q.pattern || '%' THEN 1
                     ELSE word_similarity(q.folded, c.search_text) END
            )::real AS rank
            FROM (SELECT h.id FROM hits h UNION ALL SELECT a.id FROM alike a) found
            JOIN customers c ON c.id = found.id AND c.company_id = {TENANT} CROSS JOIN q
        ) f
        ORDER BY f.rank DESC, f.id DESC LIMIT most
    $$
"""


def upgrade() -> None:
    op.execute(TEXT)
    with op.get_context().autocommit_block():
        op.execute(BACKFILL)
        for name, definition in NEW.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON customers {definition}")
    # Loads pg_trgm into this session: without it the owner may not name its parameter.
    op.execute("SELECT public.word_similarity('', '')")
    op.execute(SEARCH)
    with op.get_context().autocommit_block():
        for name in OLD:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def downgrade() -> None:
    """The version before works with these too."""
