"""How PostgreSQL answers a statement of a service, and what it reads for that, in functions as well."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import orjson
import psycopg
from psycopg import sql

from chassis.context import Context, acting_as
from chassis.db.statements import Prepared


@contextmanager
def without_indexes(connection: psycopg.Connection[Any], *tables: str) -> Iterator[None]:
    """Fill large tables, and index them at the end, which is quicker. What holds constraints stays."""
    query = """
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i
        WHERE i.indrelid = ANY (%s::regclass[]) AND NOT i.indisunique ORDER BY i.indexrelid
    """
    found = connection.execute(query, (list(tables),)).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}".encode())
    yield
    for _, definition in found:
        connection.execute(definition.encode())


def plan_of(
    url: str, context: Context, statement: Prepared, given: Mapping[str, Any], *, run: bool = False
) -> list[dict[str, Any]]:
    """The nodes of the plan that the service's role makes of a statement, for all values at once, as a service does.

    With `run` the plan is executed as well. What is given beyond the names of the statement is left out.
    """
    names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement.sql)))
    with acting_as(context):
        bound = statement.bind({name: value for name, value in given.items() if name in names})
    numbered = re.sub(r"%\((\w+)\)s", lambda match: f"${names.index(match[1]) + 1}", statement.sql)
    explain = "EXPLAIN (ANALYZE, FORMAT JSON)" if run else "EXPLAIN (FORMAT JSON)"
    with psycopg.connect(url, options="-c plan_cache_mode=force_generic_plan -c timezone=UTC") as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(context.company_id),))
        connection.execute(f"PREPARE explained AS {numbered}".replace("%%", "%").encode())
        arguments = sql.SQL(", ").join(sql.Literal(bound[name]) for name in names)
        execute = sql.SQL(" EXECUTE explained ({})" if names else " EXECUTE explained").format(arguments)
        row = connection.execute(sql.Composed([sql.SQL(explain), execute])).fetchall()[0]
    return list(walk(row[0][0]["Plan"]))


def nodes_of(
    connection: psycopg.Connection[Any], company_id: int, query: LiteralString, *given: Any
) -> list[dict[str, Any]]:
    """The nodes of all plans that were executed for `query`, run by a superuser for this tenant, and what they read."""
    plans: list[str] = []

    def keep(notice: psycopg.errors.Diagnostic) -> None:
        plans.append(notice.message_primary or "")

    connection.add_notice_handler(keep)
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("LOAD 'auto_explain'")
            connection.execute("SELECT set_config('app.company_id', %s, true)", (str(company_id),))
            for name, value in (
                ("client_min_messages", "log"),
                ("auto_explain.log_format", "json"),
                ("auto_explain.log_analyze", "on"),
                ("auto_explain.log_nested_statements", "on"),
                ("auto_explain.log_min_duration", "0"),
            ):
                connection.execute(sql.SQL("SET LOCAL {} = {}").format(sql.SQL(name), value))
            connection.execute(query, given).fetchall()
    finally:
        connection.remove_notice_handler(keep)
    return [node for plan in plans if "{" in plan for node in walk(orjson.loads(plan[plan.index("{") :])["Plan"])]


def rows_read(node: dict[str, Any]) -> int:
    """How many rows a node has looked at each time, whether it has kept them or not."""
    removed = sum(int(value) for name, value in node.items() if name.startswith("Rows Removed by"))
    return int(node["Actual Rows"]) + removed


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A node of a plan, and all below it."""
    yield node
    for child in node.get("Plans", ()):
        yield from walk(child)
