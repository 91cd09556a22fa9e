"""Every event that the tasks service publishes."""

from chassis.events import EventType

SOURCE = "tasks"

TASK_CREATED = EventType("task", "created", table="tasks")
TASK_UPDATED = EventType("task", "updated", table="tasks")
TASK_COMPLETED = EventType("task", "completed", table="tasks")
TASK_CANCELLED = EventType("task", "cancelled", table="tasks")
TASK_REOPENED = EventType("task", "reopened", table="tasks")
TASK_ARCHIVED = EventType("task", "archived", table="tasks")
TASK_RESTORED = EventType("task", "restored", table="tasks")
TASK_PURGED = EventType("task", "purged", table="tasks")
SERIES_CREATED = EventType("task_series", "created", table="task_series")
SERIES_UPDATED = EventType("task_series", "updated", table="task_series")
SERIES_ENDED = EventType("task_series", "ended", table="task_series")
ACTIVITY_CREATED = EventType("activity", "created", table="activities")
ACTIVITY_UPDATED = EventType("activity", "updated", table="activities")
ACTIVITY_ARCHIVED = EventType("activity", "archived", table="activities")
ACTIVITY_RESTORED = EventType("activity", "restored", table="activities")
ACTIVITY_PURGED = EventType("activity", "purged", table="activities")
REMINDER_FIRED = EventType("reminder", "fired", table="reminders")
USER_SETTINGS_CREATED = EventType("user_settings", "created", table="user_settings")
USER_SETTINGS_UPDATED = EventType("user_settings", "updated", table="user_settings")
TASK_TRANSFER_STARTED = EventType("task_transfer", "started", table="task_transfers")
TASK_TRANSFER_COMPLETED = EventType("task_transfer", "completed", table="task_transfers")
CALENDAR_FEED_CREATED = EventType("calendar_feed", "created", table="calendar_feeds")
CALENDAR_FEED_REVOKED = EventType("calendar_feed", "revoked", table="calendar_feeds")
TASK_EXPORT_CREATED = EventType("task_export", "created", table="task_exports")
ACTIVITY_EXPORT_CREATED = EventType("activity_export", "created", table="activity_exports")

PUBLISHED = (
    TASK_CREATED,
    TASK_UPDATED,
    TASK_COMPLETED,
    TASK_CANCELLED,
    TASK_REOPENED,
    TASK_ARCHIVED,
    TASK_RESTORED,
    TASK_PURGED,
    SERIES_CREATED,
    SERIES_UPDATED,
    SERIES_ENDED,
    ACTIVITY_CREATED,
    ACTIVITY_UPDATED,
    ACTIVITY_ARCHIVED,
    ACTIVITY_RESTORED,
    ACTIVITY_PURGED,
    REMINDER_FIRED,
    USER_SETTINGS_CREATED,
    USER_SETTINGS_UPDATED,
    TASK_TRANSFER_STARTED,
    TASK_TRANSFER_COMPLETED,
    CALENDAR_FEED_CREATED,
    CALENDAR_FEED_REVOKED,
    TASK_EXPORT_CREATED,
    ACTIVITY_EXPORT_CREATED,
)
