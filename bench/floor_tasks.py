"""The floor of tasks: open tasks and a timeline, as `bench.floor` has the questions of customers."""

from collections.abc import Callable, Iterable
from typing import Any

from bench.floor_connection import fetch
from tasks.views import ACTIVITY, TASK

StartResponse = Callable[[str, list[tuple[str, str]]], object]

TASKS = ", ".join(f"t.{name}" for name in TASK.columns)
ACTIVITIES = ", ".join(f"a.{name}" for name in ACTIVITY.columns)
OPEN = (
    f"SELECT json_agg(d) FROM (SELECT {TASKS} FROM tasks t WHERE company_id = %s AND assigned_to = %s"  # noqa: S608
    " AND status IN ('pending', 'in_progress') AND archived_at IS NULL ORDER BY due_date, id LIMIT 50) d"
)
TIMELINE = (
    "SELECT coalesce(json_agg(record ORDER BY at DESC, id DESC), '[]') FROM (SELECT at, id, record FROM ("  # noqa: S608
    "(SELECT a.activity_date AS at, a.id,"
    f" (SELECT row_to_json(d) FROM (SELECT {ACTIVITIES}) d) AS record FROM activities a"
    " WHERE company_id = %s AND customer_id = %s AND archived_at IS NULL ORDER BY activity_date DESC, id DESC LIMIT 50)"
    " UNION ALL (SELECT t.completed_at, t.id,"
    f" (SELECT row_to_json(d) FROM (SELECT {TASKS}) d) FROM tasks t"
    " WHERE company_id = %s AND customer_id = %s AND status = 'completed' AND archived_at IS NULL"
    " ORDER BY completed_at DESC, id DESC LIMIT 50)) both_kinds ORDER BY at DESC, id DESC LIMIT 50) entries"
)


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """`/<company>/tasks/<user>` the open tasks of a user, `/<company>/timeline/<customer>` a timeline."""
    _, company, kind, number = environ["PATH_INFO"].split("/")
    asked = (int(company), int(number))
    data = fetch(OPEN, asked) if kind == "tasks" else fetch(TIMELINE, asked * 2)
    body = b'{"data":%s,"page":{"next_cursor":null,"has_more":true}}' % data
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
