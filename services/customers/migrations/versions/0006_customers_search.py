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
    ALTER TABLE customers ADD COLUMN IF NOT EXISTS search_text TEXT;

    -- Names are written out in full, since a SET clause would cost more than the rest of it.
    CREATE OR REPLACE FUNCTION keep_search_text() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.search_text := pg_catalog.lower(public.unaccent('public.unaccent', pg_catalog.concat_ws(' ', NEW.name,
            NEW.company_name, NEW.email, NEW.customer_code, pg_catalog.regexp_replace(NEW.phone, '[^0-9]', '', 'g'))));
        RETURN NEW;
    END $$;

    CREATE OR REPLACE TRIGGER keep_search_text
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

# What a search reads in the index must not grow with the other companies, so a key (a gram) is of a company and of three
# characters together. Of a text in ASCII every second window of three is taken: half the keys of a trigram index cost
# half as much to write, and what is looked for lies at an even or at an odd place, which are two questions. Grams of
# other characters (two at every place) are rarer and made the plain way. The windows are written out because a loop of
# plpgsql, or a query inside of it, would cost several times as much; no SET clause for the same reason.
_AT_ONCE = 48
_WINDOWS = ", ".join(
    f"base + (get_byte(bytes, {at}) * 65536 + get_byte(bytes, {at + 1}) * 256 + get_byte(bytes, {at + 2}))"
    for at in range(0, 2 * _AT_ONCE, 2)
)
GRAMS = f"""
    CREATE OR REPLACE FUNCTION customer_gram(company bigint, piece text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT (company << 32) + CASE WHEN length(piece) = 3 AND octet_length(piece) = 3
            THEN ascii(piece) * 65536 + ascii(substr(piece, 2)) * 256 + ascii(substr(piece, 3))
            ELSE 2147483648 + (hashtext(piece) & 2147483647) END
    $$;

    CREATE OR REPLACE FUNCTION customer_grams(company bigint, given text) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
    DECLARE
        base bigint := company << 32;
        remaining integer := octet_length(given);
        place integer := 1;
        bytes bytea;
        grams bigint[];
    BEGIN
        IF remaining <> length(given) THEN
            RETURN ARRAY(SELECT public.customer_gram(company, piece)
                FROM generate_series(1, length(given)) i, (VALUES (2), (3)) sizes(size), substr(given || ' ', i, size) piece
                WHERE CASE size WHEN 2 THEN octet_length(piece) > 2 ELSE octet_length(piece) = 3 AND length(piece) = 3 END);
        END IF;
        LOOP
            bytes := convert_to(rpad(substr(given, place, {2 * _AT_ONCE + 1}), {2 * _AT_ONCE + 1}), 'UTF8');
            IF remaining <= {2 * _AT_ONCE} THEN
                RETURN grams || (ARRAY[{_WINDOWS}])[1:(remaining + 1) / 2];
            END IF;
            grams := grams || ARRAY[{_WINDOWS}];
            place := place + {2 * _AT_ONCE};
            remaining := remaining - {2 * _AT_ONCE};
        END LOOP;
    END $$;

    -- The questions, one of which every text with `given` inside answers: it has `every` gram, or `one` of them.
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
                FROM generate_series(32, 126) i WHERE i NOT BETWEEN 65 AND 90
            ) pieces(piece);
        END IF;
    END $$;

    -- The same for texts that resemble `given`: of a word with a typing error the beginning or the end is right, of a
    -- long one with two the beginning, the middle or the end.
    CREATE OR REPLACE FUNCTION customer_questions_alike(company bigint, given text)
    RETURNS TABLE (word bigint, part text, every bigint[], one bigint[]) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 4 AS $$
    BEGIN
        RETURN QUERY WITH terms AS (
            SELECT term, length(term) AS n, row_number() OVER (ORDER BY length(term) DESC, term) AS place,
                CASE WHEN length(term) = 3 THEN 2 WHEN length(term) < 12
                THEN greatest(3, (length(term) - 1) / 2) ELSE length(term) / 3 END AS k
            FROM regexp_split_to_table(left(given, 100), '\\W+') term WHERE length(term) > 2
            ORDER BY place LIMIT 4
        )
        SELECT place, '%' || piece || '%', q.every, q.one FROM (
            SELECT place, left(term, k) FROM terms
            UNION
            SELECT place, right(term, k) FROM terms
            UNION
            SELECT place, substr(term, 1 + (n - k) / 2, k) FROM terms WHERE n > 11
            UNION
            -- Of a short word alone the two ends, like two words.
            SELECT ends.place, ends.piece FROM terms, LATERAL
                (VALUES (1::bigint, left(term, 2)), (2, right(term, 2))) ends(place, piece)
            WHERE n IN (4, 5) AND (SELECT count(*) FROM terms) = 1
        ) pieces(place, piece), public.customer_questions(company, piece) q;
    END $$;
"""

# Partial where a column is often empty: equality implies that it is not, and what is not indexed costs no write.
NEW = {
    "ix_customers_grams": "USING gin (customer_grams(company_id, search_text))",
    "ix_customers_archived": "(company_id, created_at, id) WHERE archived_at IS NOT NULL",
    "ix_customers_company_id_assigned_to_created_at": "(company_id, assigned_to, created_at, id)",
    "ix_customers_company_id_created_by_created_at": "(company_id, created_by, created_at, id)",
    "ix_customers_email": "(company_id, email) WHERE email IS NOT NULL",
    "ix_customers_email_norm": "(company_id, email_norm) WHERE email_norm IS NOT NULL",
    "ix_customers_phone": "(company_id, phone) WHERE phone IS NOT NULL",
    "ix_customers_phone_e164": "(company_id, phone_e164) WHERE phone_e164 IS NOT NULL",
    "ix_customers_phone_tail": "(company_id, phone_tail) WHERE phone_tail IS NOT NULL",
    "ix_customers_domain_norm": "(company_id, domain_norm) WHERE domain_norm IS NOT NULL",
    "ix_customers_city": "(company_id, city, created_at, id) WHERE city IS NOT NULL",
    "ix_customers_industry": "(company_id, industry, created_at, id) WHERE industry IS NOT NULL",
    "ix_customers_company_name": "(company_id, company_name) WHERE company_name IS NOT NULL",
    "ix_customers_merged_into": "(company_id, merged_into) WHERE merged_into IS NOT NULL",
}
# The new ones begin with the same columns; one was read by no query.
OLD = (
    "ix_customers_search_text",
    "ix_customers_company_id_assigned_to_status",
    "ix_customers_company_id_assigned_to_active",
    "ix_customers_company_id_created_by",
    "ix_customers_company_id_created_at_all",
    "ix_customers_company_id_email_norm",
    "ix_customers_company_id_phone_e164",
    "ix_customers_company_id_phone_tail",
    "ix_customers_company_id_domain_norm",
    "ix_customers_company_id_industry",
    "ix_customers_company_id_company_name",
    "ix_customers_company_id_merged_into",
)

# What is ranked is bounded: a code, an address or the beginning of a name is found by an index of its own and is always
# among it, and of those that have the words somewhere the first `most` that come, the newest first: a word that a fifth
# of these have is not looked for among the others, nor is a single character. Only where nothing has the words as they
# are does it look for what resembles them, which is dear: for who has a part of each of two words, else for who has a
# part of one; those with the most such parts are compared. A code, an address or a number that is somebody's is not
# looked for inside of others. Where the grams are asked for, the company's column is hidden from the planner, which
# might otherwise read all that the company has.
_GRAMS = "customer_grams(c.company_id, c.search_text)"


def _answers(question: str) -> str:
    return f"({_GRAMS} @> {question}.every OR {_GRAMS} && {question}.one)"


def _has(part: str) -> str:
    return f"{_answers(part)} AND c.search_text LIKE {part}.part"


def _alike(questions: str, answers: str) -> str:
    return f"""SELECT near.id, l.likeness FROM (
                SELECT f.id FROM {questions} CROSS JOIN LATERAL (
                    SELECT c.id FROM customers c WHERE {answers} AND c.company_id + 0 = {TENANT} LIMIT 1000
                ) f GROUP BY f.id ORDER BY count(*) DESC, f.id DESC LIMIT 100
            ) near CROSS JOIN LATERAL (
                SELECT word_similarity((SELECT folded FROM q), c.search_text) AS likeness FROM customers c
                WHERE c.id = near.id AND c.company_id = {TENANT} LIMIT 1
            ) l WHERE l.likeness >= 0.45"""


def _rank(row: str, q: str = "q") -> str:
    return f"""(CASE WHEN lower({row}.customer_code) = {q}.folded OR lower({row}.email) = {q}.folded THEN 5
        WHEN {row}.search_text LIKE {q}.pattern || '%' THEN CASE WHEN fold_text({row}.name) = {q}.folded THEN 4 ELSE 3 END
        WHEN {row}.search_text LIKE '% ' || {q}.pattern || '%' THEN 2
        WHEN {row}.search_text LIKE '%' || {q}.pattern || '%' THEN 1
        ELSE word_similarity({q}.folded, {row}.search_text) END)::real"""


SEARCH = f"""
    CREATE OR REPLACE FUNCTION search_customers(words text, most integer) RETURNS TABLE (id bigint, rank real)
    LANGUAGE sql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, public, pg_temp AS $$
        WITH q AS MATERIALIZED (
            SELECT folded, btrim(words) AS given,
                replace(replace(replace(folded, chr(92), chr(92) || chr(92)), '%', chr(92) || '%'), '_', chr(92) || '_')
                AS pattern
            FROM (SELECT CASE WHEN words ~ '^[-+0-9 ()./]{{4,}}$' THEN regexp_replace(words, '[^0-9]', '', 'g')
                         ELSE fold_text(btrim(words)) END AS folded) folding
        ), exact AS MATERIALIZED (
            (SELECT c.id, {_rank("c")} AS rank FROM customers c, q WHERE c.company_id = {TENANT}
             AND c.customer_code = ANY (ARRAY(SELECT unnest(ARRAY[q.given, upper(q.given)]) FROM q)) LIMIT most)
            UNION
            (SELECT c.id, {_rank("c")} AS rank FROM customers c, q WHERE c.company_id = {TENANT}
             AND c.email_norm = (SELECT lower(given) FROM q) LIMIT most)
            UNION
            (SELECT c.id, {_rank("c")} AS rank FROM customers c, q WHERE c.company_id = {TENANT}
             AND c.phone_tail = (SELECT right(folded, 10) FROM q WHERE folded ~ '^[0-9]{{7,}}$') LIMIT most)
        ), newest AS MATERIALIZED (
            SELECT n.id, {_rank("n")} AS rank FROM q, (
                SELECT c.id, c.name, c.email, c.customer_code, c.search_text FROM customers c
                WHERE c.company_id = {TENANT} AND c.archived_at IS NULL
                ORDER BY c.created_at DESC, c.id DESC LIMIT 400
            ) n WHERE n.search_text LIKE (SELECT '%' || pattern || '%' FROM q)
            AND ((SELECT folded !~ '[0-9@]' FROM q) OR NOT EXISTS (SELECT FROM exact)) LIMIT most
        ), hits AS MATERIALIZED (
            SELECT e.id, e.rank FROM exact e
            UNION
            SELECT n.id, n.rank FROM newest n
            UNION
            (SELECT c.id, {_rank("c")} FROM customers c, q WHERE c.company_id = {TENANT}
             AND c.name_norm >= (SELECT folded FROM q) AND c.name_norm < (SELECT folded || chr(1114111) FROM q)
             LIMIT most)
            UNION
            SELECT f.id, f.rank FROM (
                SELECT asked.*, q.* FROM q, customer_questions({TENANT}, q.folded) asked
                WHERE (q.folded !~ '[0-9@]' OR NOT EXISTS (SELECT FROM exact)) AND (SELECT count(*) FROM newest) < 80
            ) a CROSS JOIN LATERAL (
                SELECT c.id, {_rank("c", "a")} AS rank FROM customers c WHERE {_answers("a")}
                AND c.company_id + 0 = {TENANT}
                AND c.search_text LIKE (SELECT '%' || pattern || '%' FROM q) LIMIT most
            ) f
        ), parts AS MATERIALIZED (
            SELECT asked.* FROM q, customer_questions_alike({TENANT}, q.folded) asked WHERE NOT EXISTS (SELECT FROM hits)
        ), alike AS MATERIALIZED (
            {_alike("parts a JOIN parts b ON a.word = 1 AND b.word = 2", f"{_has('a')} AND {_has('b')}")}
        ), partly AS MATERIALIZED (
            {_alike("(SELECT * FROM parts WHERE NOT EXISTS (SELECT FROM alike)) a", _has("a"))}
        )
        SELECT f.id, f.rank FROM (
            SELECT h.id, h.rank FROM hits h
            UNION ALL
            SELECT a.id, a.likeness FROM alike a
            UNION ALL
            SELECT p.id, p.likeness FROM partly p
        ) f
        ORDER BY f.rank DESC, f.id DESC LIMIT most
    $$
"""


# Whoever has `part` in a column that the searched text is made of has it, folded, in that text.
CONTAINING = f"""
    CREATE OR REPLACE FUNCTION customers_containing(part text, most integer) RETURNS bigint[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        WITH found AS MATERIALIZED (
            SELECT f.id FROM customer_questions({TENANT}, fold_text(part)) a CROSS JOIN LATERAL (
                SELECT c.id FROM customers c WHERE {_answers("a")} AND c.company_id + 0 = {TENANT} LIMIT most + 1
            ) f
        )
        SELECT CASE WHEN length(fold_text(part)) > 1 AND (SELECT count(*) FROM found) <= most
            THEN ARRAY(SELECT DISTINCT id FROM found) END
    $$
"""


def upgrade() -> None:
    op.execute(TEXT)
    op.execute(GRAMS)
    with op.get_context().autocommit_block():
        op.execute(BACKFILL)
        for name, definition in NEW.items():
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON customers {definition}")
    op.execute(SEARCH)
    op.execute(CONTAINING)
    op.execute("REVOKE ALL ON FUNCTION customers_containing(text, integer) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION customers_containing(text, integer) TO customers_app")
    with op.get_context().autocommit_block():
        for name in OLD:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def downgrade() -> None:
    """The version before works with these too."""
