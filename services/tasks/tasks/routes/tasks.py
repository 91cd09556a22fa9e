"""The routes of one task, and of the list of tasks."""

from datetime import UTC, datetime
from typing import Any

import orjson
from flask import Response

from chassis.context import current
from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from tasks.commands import activities, purging
from tasks.commands import tasks as commands
from tasks.queries import tasks as queries
from tasks.queries.people import asked_zone
from tasks.queries.summary import count_by_due
from tasks.routes.timed import timed
from tasks.rules.due import bounds_at
from tasks.schemas.tasks import (
    AssignmentIn,
    CompletionIn,
    ReopeningIn,
    SnoozeIn,
    SummaryOut,
    SummaryQuery,
    TaskIn,
    TaskOut,
    TaskPatch,
)

blueprint = Blueprint("tasks", __name__, url_prefix="/v1/tasks", description="What people have to do.")


@blueprint.route("", methods=["POST"])
@require("tasks:write")
@blueprint.arguments(TaskIn)
@blueprint.response(201, TaskOut)
def create_task(values: dict[str, Any]) -> Response:
    """Create a task; with `recurrence` the first of a series."""
    task = commands.create_task(session(), values)
    return created(task.json, version=task.version, location=f"/v1/tasks/{task.id}")


@blueprint.route("", methods=["GET"])
@require("tasks:read")
@blueprint.listing(queries.TASKS, TaskOut)
def list_tasks(query: ListQuery) -> Response:
    """List tasks, without the archived ones; `due=today&assigned_to=7` are those of one user's day."""
    return answer_page(queries.TASKS, query, list_page(session(), queries.TASKS, timed(query)))


@blueprint.route("/summary", methods=["GET"])
@require("tasks:read")
@blueprint.query(SummaryQuery)
@blueprint.response(200, SummaryOut)
def count_tasks(asked: dict[str, Any]) -> Response:
    """Count somebody's open tasks by when they are due; without `assigned_to` one's own."""
    zone = asked_zone(session(), asked.get("time_zone"))
    user_id = asked.get("assigned_to") or current().user_id or 0
    counts = count_by_due(session(), user_id, bounds_at(datetime.now(UTC), zone))
    return answer(orjson.dumps({**counts, "assigned_to": user_id, "time_zone": zone.key}))


@blueprint.route("/<id:task_id>", methods=["GET"])
@require("tasks:read")
@blueprint.response(200, TaskOut)
def get_task(task_id: int) -> Response:
    """Get a task, archived or not."""
    task = queries.get_task(session(), task_id)
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>", methods=["PATCH"])
@require("tasks:read")
@versioned
@blueprint.arguments(TaskPatch)
@blueprint.response(200, TaskOut)
def update_task(values: dict[str, Any], task_id: int) -> Response:
    """Change some fields of a task; without `tasks:write` the status of one's own."""
    task = commands.update_task(session(), task_id, expected_version(), values)
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>/complete", methods=["POST"])
@require("tasks:read")
@heeds_version
@blueprint.arguments(CompletionIn)
@blueprint.response(200, TaskOut)
def complete_task(data: dict[str, Any], task_id: int) -> Response:
    """Complete a task, and log it with `activity`; the next one of its series is made at once."""
    task = commands.expect_task(session(), task_id, given_version())
    task = activities.complete_and_log(session(), task, data.get("completed_at"), data.get("activity"))
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>/cancel", methods=["POST"])
@require("tasks:read")
@heeds_version
@blueprint.response(200, TaskOut)
def cancel_task(task_id: int) -> Response:
    """Cancel a task; the next one of its series is made at once."""
    task = commands.cancel_task(session(), commands.expect_task(session(), task_id, given_version()))
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>/reopen", methods=["POST"])
@require("tasks:read")
@heeds_version
@blueprint.arguments(ReopeningIn)
@blueprint.response(200, TaskOut)
def reopen_task(data: dict[str, Any], task_id: int) -> Response:
    """Take up a task again that was completed or cancelled."""
    task = commands.expect_task(session(), task_id, given_version())
    task = commands.reopen_task(session(), task, data.get("status", "pending"))
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>/snooze", methods=["POST"])
@require("tasks:read")
@heeds_version
@blueprint.arguments(SnoozeIn)
@blueprint.response(200, TaskOut)
def snooze_task(data: dict[str, Any], task_id: int) -> Response:
    """Put a task off: to a time (`until`), or an all-day one to a day (`until_date`)."""
    task = commands.expect_task(session(), task_id, given_version())
    task = commands.snooze_task(session(), task, data.get("until"), data.get("until_date"))
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>/assign", methods=["POST"])
@require("tasks:write")
@heeds_version
@blueprint.arguments(AssignmentIn)
@blueprint.response(200, TaskOut)
def assign_task(data: dict[str, Any], task_id: int) -> Response:
    """Give a task to somebody."""
    task = commands.update_task(session(), task_id, given_version(), data)
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>", methods=["DELETE"])
@require("tasks:write")
@versioned
@blueprint.response(204)
def archive_task(task_id: int) -> Response:
    """Archive a task; it can be restored."""
    commands.archive_task(session(), task_id, expected_version())
    return no_content()


@blueprint.route("/<id:task_id>/restore", methods=["POST"])
@require("tasks:write")
@heeds_version
@blueprint.response(200, TaskOut)
def restore_task(task_id: int) -> Response:
    """Restore an archived task."""
    task = commands.restore_task(session(), task_id, given_version())
    return answer(task.json, version=task.version)


@blueprint.route("/<id:task_id>/purge", methods=["POST"])
@require("tasks:purge")
@versioned
@blueprint.response(204)
def purge_task(task_id: int) -> Response:
    """Delete a task for good."""
    purging.purge_task(session(), task_id, expected_version())
    return no_content()
