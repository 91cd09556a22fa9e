"""What a service's migration makes the tables of imports with.

The functions are history: a change to the tables is another function here, and another migration of every service.
"""

from collections.abc import Sequence

from alembic import op

from chassis.db.migrations import create_tables, create_waiting, protect
from chassis.db.tables import new_metadata
from chassis.references import UserReference
from imports.engine.tables import import_tables

# Files that nobody went on with after three days, and all that a revert would go by once it is too late for one.
_PURGE = """
    CREATE FUNCTION purge_{imports}(most integer) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS $$
    DECLARE total bigint := 0; gone bigint;
    BEGIN
        {deletions}
        RETURN total;
    END $$;
"""
_DELETION = """
        DELETE FROM public.{table} WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM public.{table} r
            JOIN public.{imports} i ON i.company_id = r.company_id AND i.id = r.import_id
            WHERE i.updated_at < now() - interval '{days} days' AND {states} LIMIT most));
        GET DIAGNOSTICS gone = ROW_COUNT; total := total + gone;
"""
_WAITING = """
    ALTER TABLE {imports}
        ADD COLUMN IF NOT EXISTS waiting_for VARCHAR(30),
        ADD COLUMN IF NOT EXISTS waiting_since TIMESTAMP WITH TIME ZONE
"""
_CARRIED = {"created_by": "bigint", "own_only": "boolean", "correlation_id": "text"}
_WORKING = "state IN ('validating', 'running', 'reverting')"


def create_imports(
    noun: str, *, service: str, match_by: Sequence[str], record_types: Sequence[str], within: str | None = None
) -> None:
    """Make the tables of `imports.engine.tables.import_tables` with their rights, and what the worker asks of them."""
    metadata = new_metadata()
    users = UserReference(metadata)
    tables = import_tables(noun, metadata, users, match_by=match_by, record_types=record_types, within=within)
    create_tables(metadata, *tables.names)
    imports, parts, chunks, keys, errors = tables.names
    protect(imports, service=service, grant="SELECT, INSERT, UPDATE")
    for table in (parts, chunks, keys):
        protect(table, service=service)
    protect(errors, service=service, grant="SELECT, INSERT, DELETE")
    create_waiting(imports, service=service, where=_WORKING, carried=_CARRIED)
    deletions = "".join(
        _DELETION.format(table=table, imports=imports, days=days, states=states)
        for table, days, states in (
            (parts, 3, "i.state NOT IN ('validating', 'running')"),
            (keys, 3, "i.state <> 'validating'"),
            (chunks, 31, "true"),
            (errors, 31, "true"),
        )
    )
    op.execute(_PURGE.format(imports=imports, deletions=deletions))
    op.execute(f"REVOKE ALL ON FUNCTION purge_{imports}(integer) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION purge_{imports}(integer) TO {service}_app")


def let_imports_wait(noun: str) -> None:
    """Let imports say for which service they wait; those that were made since can."""
    op.execute(_WAITING.format(imports=f"{noun}_imports"))
