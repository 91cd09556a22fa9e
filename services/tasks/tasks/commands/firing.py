"""Firing reminders: each in a transaction of its own, under its task's lock, once."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, SmallInteger, String, bindparam, func, literal_column, select, update

from chassis import events
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.commands.letters import post_reminder
from tasks.commands.notices import notify
from tasks.events import REMINDER_FIRED
from tasks.models import reminders, tasks
from tasks.queries.links import SUBJECTS
from tasks.queries.people import company_settings, find_person
from tasks.queries.reminders import RECORDS
from tasks.rules.reminders import FIRED, SKIPPED, WAITING, retry_at, too_late
from tasks.rules.task_states import is_open
from tasks.views import REMINDER, TASK

OVERDUE = "overdue"
_ID = bindparam("of_id", type_=BigInteger)
_THIS = (of_tenant(reminders), reminders.c.id == _ID)
_TASK_OF = Prepared(select(reminders.c.task_id).where(*_THIS))
# Whoever is at work on the task has its reminders next: they wait for nobody, and nobody waits for them in a circle.
_documents = TASK.documents(of_tenant(tasks), tasks.c.id == bindparam("of_task", type_=BigInteger))
_page = _documents.with_for_update(skip_locked=True).subquery("r")
_LOCK_TASK = Prepared(select(func.row_to_json(literal_column("r")), _page.c.id, _page.c.version))
_due = REMINDER.documents(*_THIS, reminders.c.state == WAITING, reminders.c.fire_at <= func.now())
_reminder = _due.with_for_update(skip_locked=True).subquery("r")
_LOCK_REMINDER = Prepared(select(func.row_to_json(literal_column("r")), _reminder.c.id, _reminder.c.version))
_SKIP = Prepared(update(reminders).values(state=SKIPPED, updated_at=func.now()).where(*_THIS))
_ATTEMPTS = Prepared(select(reminders.c.attempts).where(*_THIS, reminders.c.state == WAITING).with_for_update())
_FAILED = Prepared(
    update(reminders)
    .values(
        attempts=bindparam("attempts", type_=SmallInteger),
        next_attempt_at=bindparam("next_attempt_at", type_=DateTime(timezone=True)),
        state=bindparam("new_state", type_=String),
    )
    .where(*_THIS)
)


def fire(session: Session, reminder_id: int) -> bool:
    """Serve a reminder that is due; whether somebody was told.

    What holds at this moment decides: a task that is done or hidden by now, or a recipient who is gone, is told of to
    nobody. Another worker's, or one of a task that somebody is at work on, is left for the next turn.
    """
    session.begin()
    row = session.fetch_one(_TASK_OF, of_id=reminder_id)
    locked = None if row is None else session.fetch_one(_LOCK_TASK, of_task=row[0])
    due = None if locked is None else session.fetch_one(_LOCK_REMINDER, of_id=reminder_id)
    if locked is None or due is None:
        return False
    task, reminder = Record(*locked), Record(*due)
    now = datetime.now(UTC)
    fire_at = datetime.fromisoformat(reminder.document["fire_at"])
    recipient = reminder.document["user_id"] or task.document["assigned_to"]
    computed_at = datetime.fromisoformat(reminder.document["updated_at"])
    if too_late(fire_at, computed_at, now) or not _is_worth_telling(session, task.document, recipient):
        session.run(_SKIP, of_id=reminder_id)
        return False
    event_id = events.new_id()
    values = {"state": FIRED, "fired_for": fire_at}
    RECORDS.change(session, REMINDER_FIRED, reminder, values, event_id=event_id)
    kind = OVERDUE if reminder.document["kind"] == OVERDUE else "reminder"
    if kind != OVERDUE:
        post_reminder(session, reminder_id=reminder_id, user_id=recipient, fired_for=fire_at)
    return notify(session, recipient, kind, ("tasks", task.id), task.document["title"], event_id=event_id)


def _is_worth_telling(session: Session, task: dict[str, Any], recipient: int) -> bool:
    if not is_open(task["status"]) or task["archived_at"] is not None:
        return False
    for kind, reference in SUBJECTS.items():
        number = task[f"{kind}_id"]
        if number is not None and reference.find(session, (number,))[number]["archived_at"] is not None:
            return False
    person = find_person(session, recipient)
    if person is None or not person.is_active:
        return False
    # Where everybody sees their own alone, whoever neither does the task nor made it may not see it any more.
    return (
        recipient in (task["assigned_to"], task["created_by"]) or company_settings(session).get("visibility") != "own"
    )


def note_failure(session: Session, reminder_id: int) -> None:
    """Try a reminder that has failed again later, a few times."""
    row = session.fetch_one(_ATTEMPTS, of_id=reminder_id)
    if row is None:
        return
    attempts = row[0] + 1
    again = retry_at(datetime.now(UTC), attempts)
    session.run(
        _FAILED,
        of_id=reminder_id,
        attempts=attempts,
        next_attempt_at=again,
        new_state=SKIPPED if again is None else WAITING,
    )
