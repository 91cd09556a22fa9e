"""Reminders that somebody sets for themselves."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete

from chassis.context import current
from chassis.db import record_statements
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared
from tasks.commands.reminders import FURTHER, SPEC, Timing, further_reminder
from tasks.commands.tasks import due_of
from tasks.models import USERS, reminders
from tasks.queries.people import find_person
from tasks.queries.reminders import RECORDS, get_own
from tasks.queries.tasks import RECORDS as TASKS
from tasks.rules.task_states import is_open, refuse_closed
from tasks.views import REMINDER

_DELETE = Prepared(delete(reminders).where(*RECORDS.this))


def add_reminder(session: Session, task_id: int, spec: dict[str, Any]) -> Record:
    """Remind the caller of a task once more. Raises NotFound, Conflict for a task that is done or hidden."""
    task = TASKS.get(session, task_id, lock=True)
    TASKS.refuse_archived(task)
    refuse_closed(task.document)
    USERS.ensure_actor(session)
    person = find_person(session, current().user_id or 0)
    assert person is not None
    timing = Timing(task_id, due_of(task.document), None, is_open=is_open(task.document["status"]))
    given = {name: spec.get(name) for name in SPEC}
    computed = further_reminder(given, timing, person, datetime.now(UTC))
    values = {"task_id": task_id, "user_id": person.id, "kind": FURTHER, **given, **computed}
    statement = record_statements.insert_one(REMINDER, frozenset(values))
    return Record(*session.fetch(statement, **{f"new_{name}": value for name, value in values.items()})[0])


def remove_reminder(session: Session, task_id: int, reminder_id: int) -> None:
    """Take back a reminder of the caller's own. Raises NotFound."""
    TASKS.get(session, task_id, lock=True)
    session.run(_DELETE, of_id=get_own(session, task_id, reminder_id, lock=True).id)
