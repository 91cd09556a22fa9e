"""What PostgreSQL reads for a query, in the functions that it calls as well."""

from collections.abc import Iterator
from typing import Any, LiteralString

import orjson
import psycopg
from psycopg import sql


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
    return [node for plan in plans if "{" in plan for node in _walk(orjson.loads(plan[plan.index("{") :])["Plan"])]


def rows_read(node: dict[str, Any]) -> int:
    """How many rows a node has looked at each time, whether it has kept them or not."""
    removed = sum(int(value) for name, value in node.items() if name.startswith("Rows Removed by"))
    return int(node["Actual Rows"]) + removed


def _walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", ()):
        yield from _walk(child)
