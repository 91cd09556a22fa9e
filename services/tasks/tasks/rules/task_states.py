"""What may be done to a task in its present state, and what that is called. Pure, no I/O."""

from collections.abc import Mapping
from typing import Any

from chassis.errors import Conflict
from tasks.rules import OPEN_STATUSES

UPDATED, COMPLETED, CANCELLED, REOPENED = "updated", "completed", "cancelled", "reopened"


def action_of(present: str, wanted: str) -> str:
    """What a change of status is called, by which its event is chosen."""
    if wanted in (COMPLETED, CANCELLED) and wanted != present:
        return wanted
    return REOPENED if is_open(wanted) and not is_open(present) else UPDATED


def is_open(status: str) -> bool:
    """Whether there is still something to do."""
    return status in OPEN_STATUSES


def refuse_open(task: Mapping[str, Any]) -> None:
    """Raise Conflict for a task that is not done."""
    if is_open(task["status"]):
        raise Conflict("task_open", f"Task {task['id']} is open.")


def refuse_closed(task: Mapping[str, Any]) -> None:
    """Raise Conflict for a task that is done or cancelled."""
    if not is_open(task["status"]):
        raise Conflict("task_closed", f"Task {task['id']} is {task['status']}; reopen it first.")
