"""What tasks and activities may be: the enumerations of the data model. Pure, no I/O."""

TASK_TYPES = ("call", "email", "meeting", "general")
# From the lowest to the highest; the rank of a priority is its place, counted from 1.
PRIORITIES = ("low", "medium", "high", "urgent")
OPEN_STATUSES = ("pending", "in_progress")
CLOSED_STATUSES = ("completed", "cancelled")
STATUSES = (*OPEN_STATUSES, *CLOSED_STATUSES)
STATUS_CHANGE = "status_change"
LOGGED_TYPES = ("call", "email", "meeting", "note")
ACTIVITY_TYPES = (*LOGGED_TYPES, STATUS_CHANGE)
BASES = ("schedule", "completion")
MISSING_DAYS = ("last", "skip")
REMINDER_KINDS = ("remind_at", "default", "further", "overdue")
REMINDER_STATES = ("waiting", "fired", "skipped")
NOTIFICATION_KINDS = (
    "task_assigned",
    "reminder",
    "overdue",
    "lead_assigned",
    "deal_assigned",
    "customer_assigned",
    "transfer",
    "series_ended",
)
FEED_KINDS = ("events", "todos")
CHANNELS = ("settings", "app", "email")
TASKS_AT_CLOSE = ("keep", "complete", "cancel")
LONGEST_TITLE = 255
