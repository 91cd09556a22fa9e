"""Search, and lists by a part of a text."""

from alembic import op

from chassis.db.migrations import TENANT

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

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
    CREATE FUNCTION search_customers(words text, most integer) RETURNS TABLE (id bigint, rank real)
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
    op.execute(SEARCH)
    op.execute(CONTAINING)
    for function in ("search_customers(text, integer)", "find_customers_containing(text, integer)"):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO customers_app")


def downgrade() -> None:
    for function in ("search_customers(text, integer)", "find_customers_containing(text, integer)"):
        op.execute(f"DROP FUNCTION {function}")
