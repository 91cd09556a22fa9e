"""The routes that look at many tasks at once, or change them."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, request

from chassis.db.listing import ListQuery
from chassis.web import bulk
from chassis.web.auth import require
from chassis.web.batches import BatchOut
from chassis.web.blueprint import Blueprint
from chassis.web.exports import CSV, JSON_LINES, export
from chassis.web.places import costly
from chassis.web.request import session
from tasks.commands import tasks as commands
from tasks.commands.exports import note_export
from tasks.events import TASK_EXPORT_CREATED
from tasks.queries.exports import TASK_EXPORTS
from tasks.queries.people import asked_zone
from tasks.queries.summary import count_all_by_due
from tasks.queries.tasks import RECORDS, TASKS
from tasks.routes.timed import timed
from tasks.rules.due import bounds_at
from tasks.schemas.tasks import FacetsQuery, TaskIn, TaskPatch

COUNTED = ("status", "task_type", "priority", "assigned_to")
COMMANDS = bulk.BulkCommands(
    TASKS,
    RECORDS,
    patch=TaskPatch,
    change=commands.change_task,
    new=TaskIn,
    create=commands.create_task,
    archive=commands.archive_task,
    actions={"complete": commands.complete_named, "reopen": commands.reopen_named},
    question=timed,
)

blueprint = Blueprint("tasks-bulk", __name__, url_prefix="/v1/tasks", description="Many tasks at once.")


@blueprint.route("/facets", methods=["GET"])
@require("tasks:read")
@costly
@blueprint.query(FacetsQuery)
@blueprint.response(200, bulk.facets_out(TASKS, (*COUNTED, "due")))
def count_tasks_by_kind(asked: dict[str, Any]) -> Response:
    """Count the live tasks by status, type, priority and assignee, and the open ones by when they are due."""
    bounds = bounds_at(datetime.now(UTC), asked_zone(session(), asked.get("time_zone")))
    return bulk.answer_facets(TASKS, COUNTED, due=count_all_by_due(session(), bounds))


@blueprint.route("/export.csv", methods=["GET"])
@require("tasks:export")
@blueprint.exporting(TASKS)
def export_csv(query: ListQuery) -> Response:
    """Export the tasks that a list with these parameters has, as CSV."""
    return _export(query, CSV)


@blueprint.route("/export.jsonl", methods=["GET"])
@require("tasks:export")
@blueprint.exporting(TASKS)
def export_json_lines(query: ListQuery) -> Response:
    """Export the tasks that a list with these parameters has, as JSON lines."""
    return _export(query, JSON_LINES)


def _export(query: ListQuery, form: str) -> Response:
    asked = request.query_string.decode("utf-8", "replace")
    note_export(session(), TASK_EXPORTS, TASK_EXPORT_CREATED, form, asked)
    return export(session().database, TASKS, timed(query), form, "tasks")


@blueprint.route("/bulk-update", methods=["POST"])
@require("tasks:write")
@blueprint.arguments(COMMANDS.update_in)
@blueprint.response(200, bulk.BulkUpdateOut)
def update_matching_tasks(data: dict[str, Any]) -> Response:
    """Change all tasks that a filter finds: first without `confirm`, to see how many that are."""
    return bulk.update_matching(COMMANDS, data)


@blueprint.route("/batch", methods=["POST"])
@require("tasks:write")
@blueprint.arguments(COMMANDS.batch_in)
@blueprint.response(200, BatchOut)
def change_tasks(data: dict[str, Any]) -> Response:
    """Create, change, complete, reopen and archive up to 500 tasks; each succeeds or fails by itself."""
    return bulk.run_batch(COMMANDS, data["items"])
