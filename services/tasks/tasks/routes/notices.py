"""The routes of reminders, of notifications, and of how somebody wants both."""

from typing import Any

import orjson
from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version
from chassis.web.listing import answer_page
from chassis.web.request import session
from tasks.commands import further_reminders, notifications, settings
from tasks.queries.notifications import NOTIFICATIONS, count_unread, own
from tasks.queries.reminders import list_own
from tasks.queries.settings import show_settings
from tasks.queries.tasks import get_task
from tasks.schemas.notices import (
    BeforeIn,
    NotificationOut,
    NotificationSettingsOut,
    ReadAllIn,
    ReadOut,
    ReminderOut,
    RemindersOut,
    SettingsPatch,
    UnreadOut,
)

blueprint = Blueprint("notices", __name__, url_prefix="/v1", description="What people are told, and how.")


@blueprint.route("/tasks/<id:task_id>/reminders", methods=["GET"])
@require("tasks:read")
@blueprint.response(200, RemindersOut)
def list_reminders(task_id: int) -> Response:
    """List one's own further reminders of a task."""
    get_task(session(), task_id)
    rows = b",".join(reminder.json for reminder in list_own(session(), task_id))
    return answer(b'{"data":[%s]}' % rows)


@blueprint.route("/tasks/<id:task_id>/reminders", methods=["POST"])
@require("tasks:read")
@blueprint.arguments(BeforeIn)
@blueprint.response(201, ReminderOut)
def add_reminder(spec: dict[str, Any], task_id: int) -> Response:
    """Be reminded of a task once more."""
    reminder = further_reminders.add_reminder(session(), task_id, spec)
    location = f"/v1/tasks/{task_id}/reminders/{reminder.id}"
    return created(reminder.json, version=reminder.version, location=location)


@blueprint.route("/tasks/<id:task_id>/reminders/<id:reminder_id>", methods=["DELETE"])
@require("tasks:read")
@blueprint.response(204)
def remove_reminder(task_id: int, reminder_id: int) -> Response:
    """Take back one of one's own further reminders."""
    further_reminders.remove_reminder(session(), task_id, reminder_id)
    return no_content()


@blueprint.route("/notifications", methods=["GET"])
@require("account:read")
@blueprint.listing(NOTIFICATIONS, NotificationOut)
def list_notifications(query: ListQuery) -> Response:
    """List one's own notifications, newest first; `read_at[is_null]=true` are those not read."""
    return answer_page(NOTIFICATIONS, query, list_page(session(), NOTIFICATIONS, own(query)))


@blueprint.route("/notifications/unread-count", methods=["GET"])
@require("account:read")
@blueprint.response(200, UnreadOut)
def count_unread_notifications() -> Response:
    """Count one's own notifications that are not read."""
    return answer(orjson.dumps({"unread": count_unread(session())}))


@blueprint.route("/notifications/<id:notification_id>/read", methods=["POST"])
@require("account:write")
@blueprint.response(204)
def read_notification(notification_id: int) -> Response:
    """Mark a notification as read."""
    notifications.read(session(), notification_id)
    return no_content()


@blueprint.route("/notifications/read-all", methods=["POST"])
@require("account:write")
@blueprint.arguments(ReadAllIn)
@blueprint.response(200, ReadOut)
def read_all_notifications(data: dict[str, Any]) -> Response:
    """Mark all notifications as read up to the newest that was seen."""
    return answer(orjson.dumps({"read": notifications.read_all(session(), data["up_to_id"])}))


@blueprint.route("/notification-settings", methods=["GET"])
@require("account:read")
@blueprint.response(200, NotificationSettingsOut)
def get_settings() -> Response:
    """Get how one wants to be reminded."""
    document, version = show_settings(session())
    return answer(document, version=version)


@blueprint.route("/notification-settings", methods=["PATCH"])
@require("account:write")
@heeds_version
@blueprint.arguments(SettingsPatch)
@blueprint.response(200, NotificationSettingsOut)
def change_settings(values: dict[str, Any]) -> Response:
    """Set how one wants to be reminded; default reminders count for due dates that are set from then on."""
    changed = settings.change_settings(session(), given_version(), values)
    return answer(changed.json, version=changed.version)
