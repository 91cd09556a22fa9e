"""What the tests over all services need to know of tasks."""

from collections.abc import Mapping
from typing import Any

from chassis.testing.batteries import Battery, Owner


def make(owner: Owner, mark: str) -> Mapping[str, Any]:
    """A task of a series with a reminder, a note, and a notification."""
    recurrence = {"rrule": "FREQ=DAILY"}
    task = owner.create("/v1/tasks", title=mark, description=mark, due_on="2100-01-01", recurrence=recurrence)
    owner.database.execute(
        "INSERT INTO customer_refs (company_id, customer_id, version, name) VALUES (%s, 3, 1, 'Ada') ON CONFLICT DO NOTHING",
        (owner.company_id,),
    )
    activity = owner.create("/v1/activities", activity_type="note", title=mark, description=mark, customer_id=3)
    owner.create("/v1/calendar-feed")
    reminder = owner.create(f"/v1/tasks/{task['id']}/reminders", minutes_before=5)
    [(notification_id,)] = owner.database.execute(
        "INSERT INTO notifications (company_id, user_id, kind, subject_table, subject_id, title, event_id)"
        " VALUES (%s, %s, 'reminder', 'tasks', %s, %s, gen_random_uuid()) RETURNING id",
        (owner.company_id, owner.user_id, task["id"], mark),
    ).fetchall()
    return {
        "task_id": task["id"],
        "reminder_id": reminder["id"],
        "notification_id": notification_id,
        "series_id": task["series_id"],
        "activity_id": activity["id"],
    }


BATTERY = Battery(
    make=make,
    changes={
        "tasks": {"status": "in_progress"},
        "task-series": {"title": "Mallory"},
        "activities": {"outcome": "x"},
        "notification-settings": {"digest": True},
    },
    deeds={
        "assign": {"assigned_to": 7},
        "complete": {},
        "reminders": {"minutes_before": 5},
        "reopen": {},
        "snooze": {"until_date": "2100-01-02"},
    },
    of_the_caller=frozenset(
        {
            "/v1/calendar-feed",
            "/v1/notification-settings",
            "/v1/notifications",
            "/v1/notifications/unread-count",
            "/v1/notifications/read-all",
        }
    ),
)
