"""Changing a series together with its open task."""

from typing import Any

from chassis.db.records import Record
from chassis.db.session import Session
from tasks.commands.series import change_series
from tasks.commands.tasks import change_task
from tasks.queries.series import RECORDS, list_open_occurrences
from tasks.queries.tasks import RECORDS as TASKS

_OF_A_TASK = ("title", "description", "task_type", "priority", "assigned_to")


def update_series(session: Session, series_id: int, version: int, values: dict[str, Any]) -> Record:
    """Change what holds for later tasks, and of the open one too where `apply_to_open` says so.

    Raises NotFound, PreconditionFailed, Conflict, Invalid.
    """
    values = dict(values)
    apply_to_open = values.pop("apply_to_open", False)
    # Tasks before their series, as completing one locks them.
    open_ones = list_open_occurrences(session, series_id) if apply_to_open else []
    locked = [TASKS.get(session, task_id, lock=True) for task_id in open_ones]
    after = change_series(session, RECORDS.expect(session, series_id, version), values)
    shared = {name: values[name] for name in _OF_A_TASK if name in values}
    if shared:
        for task in locked:
            change_task(session, task, shared)
    return after
