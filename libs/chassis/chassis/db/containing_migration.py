"""What a table that is searched needs to be listed by a part of a text as well, for its service's migrations."""

from alembic import op

from chassis.db.migrations import TENANT
from chassis.db.text_functions import answers_any, questions_at_once

# Who has the part in another field is among them as well: the list looks at its own.
_CONTAINING = """
    CREATE OR REPLACE FUNCTION find_{table}_containing(part text, most integer) RETURNS bigint[]
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    DECLARE
        folded text := btrim(fold_text(part));
        found bigint[];
    BEGIN
        IF length(folded) < 2 OR octet_length(folded) < 3 THEN
            RETURN NULL;
        END IF;
        found := ARRAY(
            SELECT f.id FROM ({questions}) a CROSS JOIN LATERAL (
                SELECT c.id FROM {table} c WHERE {answers} AND c.company_id + 0 = {tenant} LIMIT most + 1
            ) f
        );
        RETURN CASE WHEN cardinality(found) <= most THEN found END;
    END $$
"""


def create_containing(table: str, service: str) -> None:
    """Create or replace find_<table>_containing(part, most) for `Listing.containing`: who may have a part of a text.

    It answers NULL where it cannot tell, or where these are more than `most`.
    """
    asked = {"questions": questions_at_once("folded"), "answers": answers_any("a")}
    op.execute(_CONTAINING.format(table=table, tenant=TENANT, **asked))
    function = f"find_{table}_containing(text, integer)"
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {service}_app")
