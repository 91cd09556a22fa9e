"""What a table needs to be searched with `q=`, for its service's migrations: text, index and function (ADR 0015).

A search reads an index that row-level security would close, so a function that runs as the owner of the table does it,
with the tenant inside as the policy has it. It answers ids and ranks; the list then reads the rows as always.
"""

from dataclasses import dataclass

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.text_functions import LETTERS_OF_TWO, answers, answers_any
from people.folding import TWO_LETTERS

MOST_OF_TEXT = 4000  # Characters of each text that are searched: a key in the index for every second one.


@dataclass(frozen=True, slots=True)
class Searched:
    """A tenant's table with a column `search_text` (Text) and the index of `chassis.db.tables.search_index`.

    `columns` are searched as they are, the first is the record's name; of those in `digits` the digits, and of the
    first of them as well those of `e164`, where it is the same number in full; of `texts`, which may be long and have
    several lines, the first 4,000 characters. `live` is the condition that an ordinary list has. A `code` is found by
    itself in an index of (company_id, code), and so are the `keys` that the table has of `email_norm`, `phone_tail`,
    `domain_norm`, `name_norm` and `name_two` (`chassis.matching_keys`), in indexes of their own that begin with the
    company: what somebody knows exactly comes first, however many others have it somewhere. A search `by_address` is
    given an e-mail or web address as these keys have it as well. The column `again` comes once more behind the second
    one, for names that are written in either order without a blank between. `instead` is a column that names another
    record of the table, which is found in place of this one; where that may be replaced in its turn, the function
    `last`(id) answers who is found in the end.
    """

    table: str
    service: str
    columns: tuple[str, ...]
    digits: tuple[str, ...] = ()
    e164: str = ""
    texts: tuple[str, ...] = ()
    code: str = ""
    keys: tuple[str, ...] = ()
    by_address: bool = False
    again: str = ""
    live: str = "archived_at IS NULL"
    instead: str = ""
    last: str = ""

    @property
    def all_columns(self) -> tuple[str, ...]:
        """In the order in which the searched text has them."""
        return (*self.columns, *self.digits, *[self.e164] * bool(self.e164), *self.texts)


# Folding a record's text costs more than all else of a search, so it is done once, when the record is written. Names
# are written out in full, because a function with a SET clause of its own costs more to call.
_KEPT = """
    CREATE OR REPLACE FUNCTION keep_search_text_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.search_text := public.searched_text(ARRAY[{names}]::text[], {rest});
        RETURN NEW;
    END $$;

    CREATE OR REPLACE TRIGGER keep_search_text
    BEFORE INSERT OR UPDATE OF {columns}, search_text ON {table}
    FOR EACH ROW EXECUTE FUNCTION keep_search_text_of_{table}();
"""

# What is new lies in a list before the index until that has 4 MB, and each question of a search reads the whole list:
# with a typing error 38 ms in place of 8 were measured during an import, and as much after it until a VACUUM. With the
# smallest list it is 9 ms, and an import still writes 7,400 rows a second in place of 8,000 (4,600 without a list).
_INDEX = """
    CREATE INDEX {concurrently} ix_{table}_grams ON {table} USING gin (public.text_grams(company_id, search_text))
        WITH (gin_pending_list_limit = 64)
"""

# ANALYZE need not count the grams, of which each is one tenant's, nor the text, which is looked at only in rows that
# were found by another column: half of what it costs goes into these two, and no plan is better for it.
_UNCOUNTED = """
    ALTER INDEX ix_{table}_grams ALTER COLUMN 1 SET STATISTICS 0;
    ALTER TABLE {table} ALTER COLUMN search_text SET STATISTICS 0;
"""

# The trigger makes the text, whatever is written. A thousand rows a transaction, so that nobody waits long for one.
_FILL = """
    DO $$
    DECLARE company bigint := 0; record bigint := 0;
    BEGIN
        LOOP
            WITH next AS MATERIALIZED (
                SELECT t.company_id, t.id FROM public.{table} t WHERE (t.company_id, t.id) > (company, record)
                ORDER BY t.company_id, t.id LIMIT 1000
            ), filled AS (
                UPDATE public.{table} t SET search_text = NULL FROM next n
                WHERE t.company_id = n.company_id AND t.id = n.id
            )
            SELECT n.company_id, n.id INTO company, record FROM next n ORDER BY n.company_id DESC, n.id DESC LIMIT 1;
            EXIT WHEN NOT FOUND;
            COMMIT AND NO CHAIN;
        END LOOP;
    END $$
"""


def keep_search_text(searched: Searched) -> None:
    """Have PostgreSQL keep the column `search_text` whenever a record is written."""
    digits = [f"pg_catalog.regexp_replace(NEW.{name}, '[^0-9]', '', 'g')" for name in searched.digits]
    if searched.e164:
        digits.append(f"NULLIF(pg_catalog.ltrim(NEW.{searched.e164}, '+'), {digits[0]})")
    texts = [
        f"pg_catalog.translate(pg_catalog.left(NEW.{name}, {MOST_OF_TEXT}), E'\\n\\r\\t', '   ')"
        for name in searched.texts
    ]
    rest = ", ".join(["' '", *digits, *texts])
    names = [*searched.columns[:2], *[searched.again] * bool(searched.again), *searched.columns[2:]]
    op.execute(
        _KEPT.format(
            table=searched.table,
            names=", ".join(f"NEW.{name}" for name in names),
            rest=f"pg_catalog.concat_ws({rest})" if digits or texts else "NULL",
            columns=", ".join(searched.all_columns),
        )
    )


def create_search_index(table: str) -> None:
    """Create the index of the search on a table of the same migration."""
    op.execute(_INDEX.format(table=table, concurrently=""))
    op.execute(_UNCOUNTED.format(table=table))


def fill_search_index(table: str) -> None:
    """Write the searched text of the records that there are and create the index, beside a service that works on.

    It is all of a migration of its own, after that with `keep_search_text()`: if it dies, it is run again as a whole.
    """
    fill_search_text(table)
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS ix_{table}_grams")
        op.execute(_INDEX.format(table=table, concurrently="CONCURRENTLY IF NOT EXISTS"))
    op.execute(_UNCOUNTED.format(table=table))


def fill_search_text(table: str) -> None:
    """Write the searched text of the records that there are anew, beside a service that works on.

    In a migration after the one that has changed how it is made: if it dies, it is run again as a whole.
    """
    with op.get_context().autocommit_block():
        op.execute(_FILL.format(table=table))


def create_search(searched: Searched) -> None:
    """Create or replace search_<table>(words, most) for `Listing.search`: ids and ranks of the tenant's best.

    A search `by_address` takes a third argument: what `people.domains.ascii_address` answers of the words.
    """
    op.execute(_search(searched))
    function = f"search_{searched.table}(text, integer{', text' if searched.by_address else ''})"
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {searched.service}_app")


# What is ranked is bounded: a code, an address or the beginning of a name is found by an index of its own and is always
# among it, and of those that have the words somewhere the first `most` that come. A few of the newest records are
# looked at first: where many of them have the words, and a fifth of the 400 newest, these are enough, and the index
# need not count the others. Where it finds more than are ranked, or cannot know all, the newest are added: it knows no
# single character, nor two of ASCII between others. Only where nothing has the words as they are is there a search for
# what resembles them, which is dear: for who has a part of each of two words, else for who has a part of one; those
# with the most such parts are compared. A code, an address or a number that is somebody's is not looked for inside of
# others. Where the grams are asked for, the company's column is hidden from the planner, which might otherwise read all
# that the company has.
#
# `q` comes a second time where the words have a second spelling: who asks for Müller finds Mueller. A telephone number
# may be known with the zero that is dialled at home, or with the country: of how one begins at home (07531) it comes as
# well for what that is behind a country (+49 7531), by which nobody is `named`.
#
# A hit is one number, the rank before the id: ranks are 1 to 5 here, and ids end before 2^56. Arrays of them are
# gathered and sorted in a third of the time that rows of two columns take, and a statement that is not needed is not
# prepared. Who is found twice has one rank, but for a second spelling or another record in his place: there the hits of
# one id are grouped.
_SEARCH = """
    CREATE OR REPLACE FUNCTION search_{table}(words text, most integer{address}) RETURNS TABLE (id bigint, rank real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 20 SET search_path = pg_catalog, public, pg_temp
    SET plan_cache_mode = force_generic_plan AS $$
    #variable_conflict use_column
    DECLARE
        tenant bigint := {tenant};
        folded text;
        named text;
        given text;
        written text;
        keyed text;
        digits text;
        anywhere text;
        inside text;
        beginning text;
        respelled boolean;
        asked record;
        spellings integer := 0;
        exact bigint[] := '{{}}';
        sampled bigint[];
        newest bigint[];
        somewhere bigint[];
        hits bigint[] := '{{}}';
        of_id CONSTANT bigint := (1::bigint << 56) - 1;
    BEGIN
        FOR folded, named, given, written, keyed, digits, anywhere, inside, beginning, respelled IN {q} LOOP
            spellings := spellings + 1;
            {exact}
            {named}
            CONTINUE WHEN folded ~ '[0-9@]' AND cardinality(exact) > 0;
            newest := NULL;
            somewhere := NULL;
            sampled := {sampled};
            IF cardinality(sampled) > 3 THEN
                newest := {newest};
            END IF;
            IF newest IS NULL OR cardinality(sampled) + cardinality(newest) < 80 THEN
                asked := gram_questions(tenant, folded);
                somewhere := ARRAY(
                    SELECT {rank} FROM {table} c WHERE {answers_asked}
                    AND c.company_id + 0 = tenant AND c.search_text LIKE anywhere LIMIT most
                );
            END IF;
            IF newest IS NULL
            AND (cardinality(somewhere) = most OR length(folded) < 2 OR octet_length(folded) < 3) THEN
                newest := {newest};
            END IF;
            hits := hits || sampled || newest || somewhere;
        END LOOP;
        hits := exact || hits;
        IF {grouped} THEN
            hits := ARRAY(SELECT max(hit) FROM unnest(hits) hit GROUP BY hit & of_id);
        END IF;
        RETURN QUERY SELECT hit & of_id, (hit >> 56)::real
        FROM (SELECT DISTINCT unnest(hits) AS hit ORDER BY hit DESC LIMIT most) best;
        IF FOUND THEN
            RETURN;
        END IF;
        RETURN QUERY WITH q AS MATERIALIZED ({q}), parts AS MATERIALIZED (
            SELECT asked.* FROM q, text_questions_alike(tenant, q.named) asked
        ), alike AS MATERIALIZED (
            {alike}
        ), partly AS MATERIALIZED (
            {partly}
        )
        SELECT f.id, max(f.likeness)::real FROM (TABLE alike UNION ALL TABLE partly) f
        GROUP BY f.id ORDER BY 2 DESC, 1 DESC LIMIT most;
    END $$
"""
_Q = """SELECT f.folded, f.named, f.given, lower(f.given) AS written, lower({keyed}) AS keyed, f.digits,
                '%' || f.before || p.pattern || '%' AS anywhere, '% ' || p.pattern || '%' AS inside,
                p.pattern || '%' AS beginning, f.folded ~ '{pairs}' AS respelled
            FROM (
                SELECT {folded} AS folded, {folded} AS named, btrim(words) AS given, {digits} AS digits, '' AS before
                UNION ALL
                SELECT two, two, btrim(words), '', '' FROM fold_text_two(btrim(words)) two
                WHERE two <> fold_text(btrim(words))
                {at_home}
            ) f, replace(f.folded, chr(92), chr(92) || chr(92)) masked,
                replace(replace(masked, '%', chr(92) || '%'), '_', chr(92) || '_') p(pattern)"""
_ALIKE = """SELECT l.id, l.likeness FROM (
                SELECT f.id FROM {questions} CROSS JOIN LATERAL (
                    SELECT c.id FROM {table} c WHERE {having} AND c.company_id + 0 = tenant LIMIT 1000
                ) f GROUP BY f.id ORDER BY count(*) DESC, f.id DESC LIMIT 100
            ) near CROSS JOIN LATERAL (
                SELECT {id} AS id, (SELECT max(word_similarity(q.folded, c.search_text)) FROM q) AS likeness
                FROM {table} c WHERE c.id = near.id AND c.company_id = tenant LIMIT 1
            ) l WHERE l.likeness >= 0.45"""
# To fold a name takes 4 microseconds and more, twenty times what any other test of a row does, and up to 200 rows are
# ranked: it is done only where that can change the answer. A name in ASCII that stands at the beginning of the text is
# what was asked for if it is as long, and has no second spelling. Both spellings of a name begin with the same letter,
# and the text begins with the name: who does not begin as the words do is called otherwise in either. So is everybody
# where the words have no two letters that may stand for one.
_RANK = """((CASE {whole} WHEN {row}.search_text LIKE beginning
            THEN CASE WHEN CASE WHEN octet_length({row}.{name}) = length({row}.{name})
                THEN length({row}.{name}) = length(folded) ELSE fold_text({row}.{name}) = folded END
                THEN 4 ELSE 3 END
        WHEN {row}.search_text LIKE inside
            THEN CASE WHEN NOT respelled OR octet_length({row}.{name}) = length({row}.{name})
                OR NOT starts_with({row}.search_text, left(folded, 1))
                OR normalize({row}.{name}) !~ '[{letters}]' THEN 2
                WHEN fold_text_two({row}.{name}) = folded THEN 4
                WHEN fold_text_two({row}.{name}) LIKE beginning THEN 3 ELSE 2 END
        ELSE 1 END)::bigint << 56) + {id}"""
_NEWEST = """ARRAY(
                    SELECT {rank} FROM (
                        SELECT {columns} FROM {table} c
                        WHERE c.company_id = tenant AND {live}
                        ORDER BY c.created_at DESC, c.id DESC {portion}
                    ) n WHERE n.search_text LIKE anywhere LIMIT most
                )"""
_OF_KEYS = """{into} := {into} || ARRAY(
                {union}
            );"""
_OF_KEY = """(SELECT {rank} FROM {table} c WHERE c.company_id = tenant AND {condition} LIMIT most)"""
# Where the table has telephone numbers, what looks like one is looked for by its digits.
_FOLDED = "fold_text(btrim(words))"
_NUMBER = r"words ~ '^[-+0-9 ()./]{4,}$'"
_DIGITS = r"regexp_replace(regexp_replace(words, '(?<=[0-9])\s*\(0\)', ''), '[^0-9]', '', 'g')"
# Without the zeros that are dialled before a number at home, or before a country.
_BARE = f"regexp_replace({_DIGITS}, '^(00(?=[1-9][0-9]{{3}})|0(?=[1-9][0-9]{{5}}))', '')"
# The beginning of a number as it is dialled at home: behind the one to three digits of a country.
_AT_HOME = f"""UNION ALL
                SELECT substr(home, 2), NULL, btrim(words), '', rpad(' ', width, '_')
                FROM (SELECT {_DIGITS} AS home) dialled, generate_series(2, 4) width
                WHERE {_NUMBER} AND home ~ '^0[1-9][0-9]{{2,4}}$'"""  # noqa: S608  # Of constants.
# A web address, of which scheme, www and path may be missing: the third part is its host.
_HOST = r"'^(https?://)?(www\.)?([^\s@/:?#]+\.[^\s@/:?#.]+)\.?([/:?#]\S*)?$'"
_BY_CODE = "c.{code} = ANY (ARRAY[given, upper(given)])"
_BY_KEY = {
    "email_norm": "c.email_norm = keyed",
    "phone_tail": "c.phone_tail = right(digits, 10) AND length(digits) > 6",
    "domain_norm": f"c.domain_norm = (regexp_match(keyed, {_HOST}))[3]",
    "name_norm": "c.name_norm >= named AND c.name_norm < named || chr(1114111)",
    "name_two": "c.name_two >= named AND c.name_two < named || chr(1114111)",
}
_OF_NAMES = ("name_norm", "name_two")


def _search(searched: Searched) -> str:
    exact = [_BY_CODE.format(code=searched.code)] if searched.code else []
    exact += [_BY_KEY[key] for key in searched.keys if key not in _OF_NAMES]
    found = "c.id"
    if searched.instead:
        found = f"CASE WHEN c.{searched.instead} IS NULL THEN c.id ELSE {searched.last}(c.{searched.instead}) END"
    of_row = {"table": searched.table, "id": found}
    rank = _rank(searched, "c", found)

    def by_keys(into: str, conditions: list[str]) -> str:
        pages = [_OF_KEY.format(table=searched.table, rank=rank, condition=condition) for condition in conditions]
        union = "\n                UNION ALL\n                ".join(pages)
        return _OF_KEYS.format(into=into, union=union) if pages else ""

    ranked = dict.fromkeys(("id", searched.columns[0], *_whole(searched), "search_text"))
    named = [_BY_KEY[key] for key in searched.keys if key in _OF_NAMES]
    newest = {
        "table": searched.table,
        "columns": ", ".join(f"c.{name}" for name in ranked),
        "live": searched.live,
        "rank": _rank(searched, "n", "n.id"),
    }
    return _SEARCH.format(
        table=searched.table,
        tenant=TENANT,
        address=", address text" if searched.by_address else "",
        q=_Q.format(
            keyed="coalesce(address, f.given)" if searched.by_address else "f.given",
            folded=_of_number(_BARE, _FOLDED) if searched.digits else _FOLDED,
            digits=_of_number(_DIGITS, "''") if searched.digits else "''",
            at_home=_AT_HOME if searched.digits else "",
            pairs="|".join(sorted(set(TWO_LETTERS.values()))),
        ),
        exact=by_keys("exact", exact),
        named=by_keys("hits", named),
        sampled=_NEWEST.format(**newest, portion="LIMIT 20"),
        newest=_NEWEST.format(**newest, portion="LIMIT 380 OFFSET 20"),
        rank=rank,
        answers_asked=answers_any("asked"),
        grouped="true" if searched.instead else "spellings > 1",
        alike=_ALIKE.format(
            **of_row,
            questions="parts a JOIN parts b ON a.word = 1 AND b.word = 2",
            having=f"{_has('a')} AND {_has('b')}",
        ),
        partly=_ALIKE.format(
            **of_row, questions="(SELECT * FROM parts WHERE NOT EXISTS (SELECT FROM alike)) a", having=_has("a")
        ),
    )


def _of_number(digits: str, otherwise: str) -> str:
    """`digits` where the words look like a telephone number."""
    return f"CASE WHEN {_NUMBER} THEN {digits} ELSE {otherwise} END"


def _has(part: str) -> str:
    return f"{answers(part)} AND c.search_text LIKE {part}.part"


def _whole(searched: Searched) -> list[str]:
    """The columns that are what is looked for, or are not, as a whole."""
    return [searched.code] * bool(searched.code) + ["email"] * ("email_norm" in searched.keys)


def _rank(searched: Searched, row: str, found: str) -> str:
    """The hit that `row` is, of the id `found`."""
    whole = " OR ".join(f"lower({row}.{name}) IN (folded, written)" for name in _whole(searched))
    return _RANK.format(
        row=row,
        id=found,
        name=searched.columns[0],
        letters=LETTERS_OF_TWO,
        whole=f"WHEN {whole} THEN 5" if whole else "",
    )
