"""Exports that were taken; the exports themselves are kept nowhere."""

from chassis.db.records import Records
from tasks.events import SOURCE
from tasks.views import ACTIVITY_EXPORT, TASK_EXPORT

TASK_EXPORTS = Records(TASK_EXPORT, source=SOURCE, noun="task export")
ACTIVITY_EXPORTS = Records(ACTIVITY_EXPORT, source=SOURCE, noun="activity export")
