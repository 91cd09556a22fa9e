"""The routes of activities."""

from typing import Any

from flask import Response, request

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web import bulk
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.batches import BatchOut
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.exports import CSV, JSON_LINES, export
from chassis.web.listing import answer_page
from chassis.web.request import session
from tasks.commands import activities as commands
from tasks.commands import purging
from tasks.commands.exports import note_export
from tasks.events import ACTIVITY_EXPORT_CREATED
from tasks.queries.activities import ACTIVITIES, RECORDS, get_activity
from tasks.queries.exports import ACTIVITY_EXPORTS
from tasks.schemas.activities import ActivityIn, ActivityOut, ActivityPatch

COMMANDS = bulk.BulkCommands(
    ACTIVITIES,
    RECORDS,
    patch=ActivityPatch,
    change=commands.change_activity,
    expect=commands.expect_activity,
    new=ActivityIn,
    create=commands.log_activity,
    archive=commands.archive_activity,
)

blueprint = Blueprint("activities", __name__, url_prefix="/v1/activities", description="What people have done.")


@blueprint.route("", methods=["POST"])
@require("activities:write")
@blueprint.arguments(ActivityIn)
@blueprint.response(201, ActivityOut)
def log_activity(values: dict[str, Any]) -> Response:
    """Log an activity; with `follow_up_date` a task is made for that day."""
    activity = commands.log_activity(session(), values)
    return created(activity.json, version=activity.version, location=f"/v1/activities/{activity.id}")


@blueprint.route("", methods=["GET"])
@require("activities:read")
@blueprint.listing(ACTIVITIES, ActivityOut)
def list_activities(query: ListQuery) -> Response:
    """List activities, the latest first, without the archived ones."""
    return answer_page(ACTIVITIES, query, list_page(session(), ACTIVITIES, query))


@blueprint.route("/<id:activity_id>", methods=["GET"])
@require("activities:read")
@blueprint.response(200, ActivityOut)
def show_activity(activity_id: int) -> Response:
    """Get an activity, archived or not."""
    activity = get_activity(session(), activity_id)
    return answer(activity.json, version=activity.version)


@blueprint.route("/<id:activity_id>", methods=["PATCH"])
@require("activities:write")
@versioned
@blueprint.arguments(ActivityPatch)
@blueprint.response(200, ActivityOut)
def update_activity(values: dict[str, Any], activity_id: int) -> Response:
    """Change some fields of an activity; an open follow-up moves with its date."""
    activity = commands.update_activity(session(), activity_id, expected_version(), values)
    return answer(activity.json, version=activity.version)


@blueprint.route("/<id:activity_id>", methods=["DELETE"])
@require("activities:write")
@versioned
@blueprint.response(204)
def archive_activity(activity_id: int) -> Response:
    """Archive an activity; it can be restored."""
    commands.archive_activity(session(), activity_id, expected_version())
    return no_content()


@blueprint.route("/<id:activity_id>/restore", methods=["POST"])
@require("activities:write")
@heeds_version
@blueprint.response(200, ActivityOut)
def restore_activity(activity_id: int) -> Response:
    """Restore an archived activity."""
    activity = commands.restore_activity(session(), activity_id, given_version())
    return answer(activity.json, version=activity.version)


@blueprint.route("/<id:activity_id>/purge", methods=["POST"])
@require("activities:purge")
@versioned
@blueprint.response(204)
def purge_activity(activity_id: int) -> Response:
    """Delete an activity for good."""
    purging.purge_activity(session(), activity_id, expected_version())
    return no_content()


@blueprint.route("/batch", methods=["POST"])
@require("activities:write")
@blueprint.arguments(COMMANDS.batch_in)
@blueprint.response(200, BatchOut)
def change_activities(data: dict[str, Any]) -> Response:
    """Log, change and archive up to 500 activities; each succeeds or fails by itself."""
    return bulk.run_batch(COMMANDS, data["items"])


@blueprint.route("/export.csv", methods=["GET"])
@require("activities:export")
@blueprint.exporting(ACTIVITIES)
def export_activities_csv(query: ListQuery) -> Response:
    """Export the activities that a list with these parameters has, as CSV."""
    return _export(query, CSV)


@blueprint.route("/export.jsonl", methods=["GET"])
@require("activities:export")
@blueprint.exporting(ACTIVITIES)
def export_activities_json_lines(query: ListQuery) -> Response:
    """Export the activities that a list with these parameters has, as JSON lines."""
    return _export(query, JSON_LINES)


def _export(query: ListQuery, form: str) -> Response:
    asked = request.query_string.decode("utf-8", "replace")
    note_export(session(), ACTIVITY_EXPORTS, ACTIVITY_EXPORT_CREATED, form, asked)
    return export(session().database, ACTIVITIES, query, form, "activities")
