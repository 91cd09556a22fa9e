"""Deleting tasks and activities for good: what names them stays, and says so with an event of its own."""

from typing import Any

from sqlalchemy import BigInteger, bindparam, or_

from chassis.db import record_statements
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.commands.tasks import delete_task
from tasks.events import ACTIVITY_PURGED, ACTIVITY_UPDATED, TASK_UPDATED
from tasks.models import activities
from tasks.queries.activities import RECORDS
from tasks.queries.tasks import RECORDS as TASKS
from tasks.rules.activities import refuse_immutable
from tasks.views import ACTIVITY

_ALL = Records(RECORDS.view, source=RECORDS.source, noun=RECORDS.noun)
_ALL_TASKS = Records(TASKS.view, source=TASKS.source, noun=TASKS.noun)
_TASK = bindparam("of_task", type_=BigInteger)
_NAMING = Prepared(
    record_statements.in_order(
        ACTIVITY, of_tenant(activities), or_(activities.c.task_id == _TASK, activities.c.follow_up_task_id == _TASK)
    )
)


def purge_task(session: Session, task_id: int, version: int | None) -> None:
    """Delete a task for good. Raises NotFound, PreconditionFailed."""
    forget_task(session, TASKS.expect(session, task_id, version))


def forget_task(session: Session, task: Record) -> None:
    """Delete a locked task for good; the activities that name it stay, each with an event of its own."""
    for row in session.fetch(_NAMING, of_task=task.id):
        activity = Record(*row)
        values: dict[str, Any] = {
            name: None for name in ("task_id", "follow_up_task_id") if activity.document[name] == task.id
        }
        _ALL.change(session, ACTIVITY_UPDATED, activity, values)
    delete_task(session, task)


def purge_activity(session: Session, activity_id: int, version: int | None) -> None:
    """Delete an activity for good. Raises NotFound, PreconditionFailed, Conflict for what an event has written."""
    before = RECORDS.expect(session, activity_id, version)
    refuse_immutable(before.document)
    forget_activity(session, before)


def forget_activity(session: Session, activity: Record) -> None:
    """Delete a locked activity for good; its follow-up stays."""
    follow_up = activity.document["follow_up_task_id"]
    if follow_up is not None:
        task = _ALL_TASKS.get(session, follow_up, lock=True)
        _ALL_TASKS.change(session, TASK_UPDATED, task, {"follow_up_of": None})
    _ALL.delete(session, ACTIVITY_PURGED, activity)
