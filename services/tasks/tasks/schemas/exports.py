"""What is published of an export that somebody took."""

from chassis.web.records import RecordSchema
from tasks.views import ACTIVITY_EXPORT, TASK_EXPORT


class TaskExportOut(RecordSchema, view=TASK_EXPORT):
    """An export of tasks: who took which, and when."""


class ActivityExportOut(RecordSchema, view=ACTIVITY_EXPORT):
    """An export of activities: who took which, and when."""
