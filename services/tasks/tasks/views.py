"""The records of the tasks service as the outside sees them: answered, published and audited."""

from chassis.db.json_view import JsonView
from chassis.transfers import transfer_view
from tasks.models import (
    activities,
    activity_exports,
    calendar_feeds,
    notifications,
    reminders,
    task_exports,
    task_series,
    task_transfers,
    tasks,
    user_settings,
)

TASK = JsonView(
    tasks,
    (
        "id",
        "company_id",
        "version",
        "title",
        "description",
        "task_type",
        "priority",
        "status",
        "due_date",
        "due_on",
        "due_time_zone",
        "remind_at",
        "completed_at",
        "customer_id",
        "lead_id",
        "deal_id",
        "assigned_to",
        "created_by",
        "series_id",
        "occurrence",
        "follow_up_of",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

ACTIVITY = JsonView(
    activities,
    (
        "id",
        "company_id",
        "version",
        "activity_type",
        "title",
        "description",
        "duration_minutes",
        "outcome",
        "activity_date",
        "follow_up_date",
        "follow_up_task_id",
        "customer_id",
        "lead_id",
        "deal_id",
        "task_id",
        "user_id",
        "change",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

TASK_SERIES = JsonView(
    task_series,
    (
        "id",
        "company_id",
        "version",
        "rrule",
        "basis",
        "missing_day",
        "time_zone",
        "anchor",
        "all_day",
        "template",
        "customer_id",
        "lead_id",
        "deal_id",
        "assigned_to",
        "created_by",
        "created_at",
        "updated_at",
        "ended_at",
    ),
)

TASK_TRANSFER = transfer_view(task_transfers)

_EXPORTED = ("id", "company_id", "version", "format", "query", "created_by", "created_at", "updated_at")
TASK_EXPORT = JsonView(task_exports, _EXPORTED)
ACTIVITY_EXPORT = JsonView(activity_exports, _EXPORTED)

REMINDER = JsonView(
    reminders,
    (
        "id",
        "company_id",
        "version",
        "task_id",
        "user_id",
        "kind",
        "minutes_before",
        "days_before",
        "at_time",
        "fire_at",
        "state",
        "created_at",
        "updated_at",
    ),
)

NOTIFICATION = JsonView(
    notifications,
    ("id", "company_id", "kind", "subject_table", "subject_id", "title", "details", "created_at", "read_at"),
)

USER_SETTINGS = JsonView(
    user_settings,
    (
        "id",
        "company_id",
        "version",
        "user_id",
        "time_zone",
        "day_starts_at",
        "default_reminders",
        "email_reminders",
        "digest",
        "digest_at",
        "digest_days",
        "created_at",
        "updated_at",
    ),
)

# The secret is in none of it, not even as its digest.
CALENDAR_FEED = JsonView(
    calendar_feeds, ("id", "company_id", "version", "user_id", "as", "include", "created_at", "updated_at")
)
