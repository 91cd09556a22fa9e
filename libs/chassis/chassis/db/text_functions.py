"""Texts made comparable in PostgreSQL: folded, and cut into what an index of a search holds."""

from alembic import op

from chassis.db.migrations import TENANT
from people.folding import TWO_LETTERS
from people.folding_in_sql import folding_function, two_letters_function

_OF_ROW = "public.text_grams(c.company_id, c.search_text)"
LETTERS_OF_TWO = "".join(TWO_LETTERS) + "".join(TWO_LETTERS).upper()  # That have a second spelling.

# What a search looks in: names and the rest, folded, and after them the names as who writes ue for ü has them. Names of
# functions are written out in full, since a SET clause would cost more than the rest of it.
_SEARCHED_TEXT = """
    CREATE OR REPLACE FUNCTION searched_text(names text[], rest text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE
        given text := pg_catalog.concat_ws(' ', pg_catalog.array_to_string(names, ' '), rest);
        folded text := public.fold_text(given);
        name text;
    BEGIN
        IF pg_catalog.octet_length(given) > pg_catalog.length(given) THEN
            FOREACH name IN ARRAY names LOOP
                IF pg_catalog.octet_length(name) > pg_catalog.length(name)
                AND pg_catalog.normalize(name, 'NFC') ~ '[{letters}]' THEN
                    folded := pg_catalog.concat(folded, ' ', public.fold_text_two(name));
                END IF;
            END LOOP;
        END IF;
        RETURN folded;
    END $$;
"""

# What a search reads in the index must not grow with the other companies, so a key (a gram) is of a company and of
# three characters together. Of a text in ASCII every second window of three is taken: half the keys of a trigram index
# cost half as much to write, and what is looked for lies at an even or at an odd place, which are two questions. Grams
# of other characters (two at every place) are rarer and made the plain way. The windows are written out because a loop
# of plpgsql, or a query inside of it, would cost several times as much; no SET clause for the same reason.
_AT_ONCE = 48
_WINDOWS = ", ".join(
    f"base + (get_byte(bytes, {at}) * 65536 + get_byte(bytes, {at + 1}) * 256 + get_byte(bytes, {at + 2}))"
    for at in range(0, 2 * _AT_ONCE, 2)
)
_GRAMS = """
    CREATE OR REPLACE FUNCTION text_gram(company bigint, piece text) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT (company << 32) + CASE WHEN length(piece) = 3 AND octet_length(piece) = 3
            THEN ascii(piece) * 65536 + ascii(substr(piece, 2)) * 256 + ascii(substr(piece, 3))
            ELSE 2147483648 + (hashtext(piece) & 2147483647) END
    $$;

    CREATE OR REPLACE FUNCTION text_grams(company bigint, given text) RETURNS bigint[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
    DECLARE
        base bigint := company << 32;
        remaining integer := octet_length(given);
        place integer := 1;
        bytes bytea;
        grams bigint[];
    BEGIN
        IF remaining <> length(given) THEN
            RETURN ARRAY(SELECT public.text_gram(company, piece)
                FROM generate_series(1, length(given)) i, (VALUES (2), (3)) sizes(size),
                    substr(given || ' ', i, size) piece
                WHERE CASE size WHEN 2 THEN octet_length(piece) > 2
                    ELSE octet_length(piece) = 3 AND length(piece) = 3 END);
        END IF;
        LOOP
            bytes := convert_to(rpad(substr(given, place, {beyond}), {beyond}), 'UTF8');
            IF remaining <= {block} THEN
                RETURN grams || (ARRAY[{windows}])[1:(remaining + 1) / 2];
            END IF;
            grams := grams || ARRAY[{windows}];
            place := place + {block};
            remaining := remaining - {block};
        END LOOP;
    END $$;

    -- The questions, one of which every text with `given` inside answers: it has `every` gram, or `one` of them. They
    -- are for the many pieces of what resembles a text; gram_questions() asks closer, for one text, which costs more.
    CREATE OR REPLACE FUNCTION text_questions(company bigint, given text)
    RETURNS TABLE (every bigint[], one bigint[]) LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 2 AS $$
    DECLARE n integer := length(given);
    BEGIN
        IF n < 2 THEN
            RETURN;
        ELSIF octet_length(given) > n THEN
            RETURN QUERY SELECT array_agg(public.text_gram(company, substr(given, i, 2))), NULL::bigint[]
            FROM generate_series(1, n - 1) i WHERE octet_length(substr(given, i, 2)) > 2;
        ELSIF n > 3 THEN
            RETURN QUERY SELECT array_agg(public.text_gram(company, substr(given, i, 3))), NULL::bigint[]
            FROM generate_series(1, n - 2) i GROUP BY i % 2;
        ELSE
            -- Where so short a piece lies at an odd place, the windows hold a neighbour that can only be guessed.
            RETURN QUERY SELECT NULL::bigint[], array_agg(public.text_gram(company, piece)) FROM (
                SELECT given WHERE n = 3
                UNION ALL
                SELECT unnest(CASE n WHEN 2 THEN ARRAY[chr(i) || given, given || chr(i)]
                    ELSE ARRAY[chr(i) || left(given, 2)] END)
                FROM generate_series(1, 127) i WHERE i NOT BETWEEN 65 AND 90
            ) pieces(piece);
        END IF;
    END $$;

    -- The same for texts that resemble `given`: of a word with a typing error the beginning or the end is right, of a
    -- long one with two the beginning, the middle or the end.
    CREATE OR REPLACE FUNCTION text_questions_alike(company bigint, given text)
    RETURNS TABLE (word bigint, part text, every bigint[], one bigint[])
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE ROWS 4 AS $$
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
        ) pieces(place, piece), public.text_questions(company, piece) q;
    END $$;
"""

# Of a word of four or five letters one window alone is known for sure, and many a text has that: half of what people
# write has the "ing" of Singh. So what lies next to it is asked for as well, whatever its unknown letter may be: what
# is searched has neither capitals nor control characters. That costs a tenth of a millisecond, and spares the reading
# of all who have the common one. Texts with other characters have the windows of every place.
_BESIDE = "ARRAY(SELECT base + {} FROM generate_series(32, 126) c WHERE c NOT BETWEEN 65 AND 90)"
_BEFORE = _BESIDE.format("c * 65536 + get_byte(bytes, 0) * 256 + get_byte(bytes, 1)")
_BEHIND = _BESIDE.format("get_byte(bytes, n - 2) * 65536 + get_byte(bytes, n - 1) * 256 + c")
_WINDOW = "base + get_byte(bytes, {0}) * 65536 + get_byte(bytes, {0} + 1) * 256 + get_byte(bytes, {0} + 2)"
_QUESTIONS = f"""
    -- What a text with `given` inside has: `every` gram or every of the `other`, or `one` of these, or the `first` and
    -- one of what may lie `behind` it, or the `second` and one of what may lie `before`.
    CREATE OR REPLACE FUNCTION gram_questions(company bigint, given text, OUT every bigint[], OUT other bigint[],
        OUT one bigint[], OUT first bigint[], OUT behind bigint[], OUT second bigint[], OUT before bigint[])
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
    DECLARE
        n integer := length(given);
        base bigint := company << 32;
        bytes bytea := convert_to(given, 'UTF8');
    BEGIN
        IF n < 2 THEN
            RETURN;
        ELSIF octet_length(given) > n THEN
            every := ARRAY(SELECT public.text_gram(company, substr(given, i, 2))
                FROM generate_series(1, n - 1) i WHERE octet_length(substr(given, i, 2)) > 2);
        ELSIF n = 2 THEN
            one := {_BEHIND} || {_BEFORE};
        ELSIF n = 3 THEN
            one := ({_WINDOW.format(0)}) || {_BEFORE};
        ELSE
            every := ARRAY(
                SELECT {_WINDOW.format("i")} FROM generate_series(0, n - 3, CASE n WHEN 4 THEN 1 ELSE 2 END) i
            );
            IF n = 4 THEN
                first := ARRAY[{_WINDOW.format(0)}];
                behind := {_BEHIND};
                second := ARRAY[{_WINDOW.format(1)}];
                before := {_BEFORE};
            ELSIF n = 5 THEN
                first := ARRAY[{_WINDOW.format(1)}];
                behind := {_BEHIND};
            ELSE
                other := ARRAY(SELECT {_WINDOW.format("i")} FROM generate_series(1, n - 3, 2) i);
            END IF;
        END IF;
    END $$;
"""  # noqa: S608  # Of constants.


def create_text_functions() -> None:
    """Create or replace fold_text(), searched_text(), text_grams() and the questions that are asked of grams.

    Once in a database, and again when the folding of `people` has changed: the texts that are kept are then to be made
    anew, with `fill_search_text`.
    """
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
    op.execute(folding_function("fold_text"))
    op.execute(two_letters_function("fold_text_two", "public.fold_text"))
    op.execute(_SEARCHED_TEXT.format(letters=LETTERS_OF_TWO))
    op.execute(_GRAMS.format(windows=_WINDOWS, block=2 * _AT_ONCE, beyond=2 * _AT_ONCE + 1))
    create_gram_questions()


def create_gram_questions() -> None:
    """Create or replace gram_questions(), which says of a part of a text by which grams it is found."""
    op.execute(_QUESTIONS)


def answers(question: str) -> str:
    """That the row `c` may have the part of a text that `question`, a row of text_questions(), is made from."""
    return f"({_OF_ROW} @> {question}.every OR {_OF_ROW} && {question}.one)"


def questions_at_once(part: str) -> str:
    """A query of one row, the questions of which whoever has `part` in the text answers one: see `answers_any`."""
    return f"SELECT * FROM gram_questions({TENANT}, {part})"  # noqa: S608


def answers_any(question: str) -> str:
    """As `answers`, of a row of `questions_at_once`: who has the part in two places is found once."""
    has = {kind: f"{_OF_ROW} @> {question}.{kind}" for kind in ("every", "other", "first", "second")}
    any_of = {kind: f"{_OF_ROW} && {question}.{kind}" for kind in ("one", "behind", "before")}
    pairs = f"{has['first']} AND {any_of['behind']} OR {has['second']} AND {any_of['before']}"
    return f"({has['every']} OR {has['other']} OR {any_of['one']} OR {pairs})"
