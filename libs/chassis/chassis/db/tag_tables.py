"""Tags of records in a table of their own, kept by triggers: one row for each tag of each record.

An operator on JSON cannot use an index below row-level security; equality can.
"""

from sqlalchemy import BigInteger, Column, DateTime, ForeignKeyConstraint, Index, MetaData, String, Table

from chassis.tags import LONGEST_TAG

_KEPT = """
    CREATE FUNCTION keep_{tags}() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        DELETE FROM public.{tags} t WHERE t.company_id = NEW.company_id AND t.{record} = NEW.id
        AND NOT NEW.tags ? t.tag;
        INSERT INTO public.{tags} (company_id, tag, created_at, {record})
        SELECT NEW.company_id, tag, NEW.created_at, NEW.id FROM jsonb_array_elements_text(NEW.tags) tag
        ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;

    CREATE FUNCTION keep_{tags}_of_new() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp AS $$
    BEGIN
        INSERT INTO public.{tags} (company_id, tag, created_at, {record})
        SELECT a.company_id, tag, a.created_at, a.id FROM added a, jsonb_array_elements_text(a.tags) tag
        WHERE a.tags <> '[]' ON CONFLICT DO NOTHING;
        RETURN NULL;
    END $$;

    CREATE TRIGGER keep_{tags} AFTER UPDATE OF tags ON {table} FOR EACH ROW
    WHEN (NEW.tags IS DISTINCT FROM OLD.tags) EXECUTE FUNCTION keep_{tags}();

    CREATE TRIGGER keep_{tags}_of_new AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION keep_{tags}_of_new();
"""


def tags_table(name: str, metadata: MetaData, table: str, record: str) -> Table:
    """The tags of the records in `table`, whose ids are in the column `record`, in the order of a list.

    `created_at` is the record's, which never changes. `table` has a column `tags`, JSONB, NOT NULL, an array.
    """
    return Table(
        name,
        metadata,
        Column("company_id", BigInteger, primary_key=True),
        Column("tag", String(LONGEST_TAG), primary_key=True),
        Column("created_at", DateTime(timezone=True), primary_key=True),
        Column(record, BigInteger, primary_key=True),
        ForeignKeyConstraint(["company_id", record], [f"{table}.company_id", f"{table}.id"], ondelete="CASCADE"),
        Index(f"ix_{name}_company_id_{record}", "company_id", record),
        info={"tenant": "company_id"},
    )


def tags_triggers(name: str, table: str, record: str) -> str:
    """The SQL for a migration that has PostgreSQL keep the table `name` of `tags_table` when records are written."""
    return _KEPT.format(tags=name, table=table, record=record)
