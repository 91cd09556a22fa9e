"""Everything that changes a task, and the event that each change records."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from chassis.context import current
from chassis.db.records import NOW, Record
from chassis.db.session import Session
from chassis.errors import FieldError, Forbidden, Invalid
from tasks.commands.links import check_links
from tasks.commands.notices import notify
from tasks.commands.people import get_active
from tasks.commands.reminders import Timing, move_reminders, plan_reminders, silence_reminders, wake_reminders
from tasks.commands.series import begin_series, follow
from tasks.events import (
    TASK_ARCHIVED,
    TASK_CANCELLED,
    TASK_COMPLETED,
    TASK_CREATED,
    TASK_PURGED,
    TASK_REOPENED,
    TASK_RESTORED,
    TASK_UPDATED,
)
from tasks.models import USERS
from tasks.queries.people import Person, find_person
from tasks.queries.tasks import RECORDS
from tasks.rules.due import Due, given_due
from tasks.rules.task_states import (
    CANCELLED,
    COMPLETED,
    REOPENED,
    UPDATED,
    action_of,
    is_open,
    refuse_closed,
    refuse_open,
)

WRITE: Final = "tasks:write"
_EVENTS: Final = {
    UPDATED: TASK_UPDATED,
    COMPLETED: TASK_COMPLETED,
    CANCELLED: TASK_CANCELLED,
    REOPENED: TASK_REOPENED,
}
_DUE = ("due_date", "due_on", "due_time_zone")


def create_task(session: Session, values: dict[str, Any], *, follow_up_of: int | None = None) -> Record:
    """Create a task; without an assignee it is the actor's own.

    Raises Invalid, Conflict for a customer, lead or deal that is hidden, UnknownReference.
    """
    now = datetime.now(UTC)
    values = dict(values)
    actor = current().user_id
    values.setdefault("assigned_to", actor)
    person = get_active(session, values["assigned_to"])
    if actor is not None and actor != person.id:
        USERS.ensure_actor(session)
    values |= check_links(session, values, {})
    due = given_due(values, Due(), person.time_zone) or Due()
    values |= due.values
    completed_at = _completed_at(values, now)
    remind_at = values.get("remind_at")
    if remind_at is not None and remind_at <= now and completed_at is None:
        detail = "The time to remind at is past."
        raise Invalid("remind_without_time", detail, (FieldError("/remind_at", "remind_without_time", detail),))
    values["created_by"] = actor
    if follow_up_of is not None:
        values["follow_up_of"] = follow_up_of
    recurrence = values.pop("recurrence", None)
    if recurrence is not None:
        values["series_id"], values["occurrence"] = begin_series(session, recurrence, values, due)
    task = RECORDS.create(session, TASK_CREATED, values)
    if is_open(values.get("status", "pending")):
        plan_reminders(session, Timing(task.id, due, remind_at), person, now)
        _tell_assignee(session, task, person)
    elif recurrence is not None:
        follow(session, task.document, now, completed_at or now)
    return task


def _completed_at(values: dict[str, Any], now: datetime) -> datetime | None:
    """When a new task was completed, if it was; noted in its values."""
    given: datetime | None = values.pop("completed_at", None)
    if values.get("status") != COMPLETED:
        if given is not None:
            detail = "Only a completed task has been completed at some time."
            raise Invalid("validation_failed", detail, (FieldError("/completed_at", "invalid", detail),))
        return None
    refuse_future(given, now)
    values["completed_at"] = given or now
    return given or now


def refuse_future(completed_at: datetime | None, now: datetime) -> None:
    """Raise Invalid for a completion that is still to come."""
    if completed_at is not None and completed_at > now:
        detail = "A task is completed now or was before, not later."
        raise Invalid("completed_in_future", detail, (FieldError("/completed_at", "completed_in_future", detail),))


def _tell_assignee(session: Session, task: Record, person: Person) -> None:
    document = task.document
    notify(session, person.id, "task_assigned", ("tasks", task.id), document["title"])


def allow(task: Record, names: frozenset[str]) -> None:
    """Raise Forbidden unless the actor may change these fields of the task.

    To move along, complete, reopen and put off what is assigned to oneself takes no permission to write.
    """
    context = current()
    if WRITE in context.permissions:
        return
    if names <= {"status"} and task.document["assigned_to"] == context.user_id:
        return
    raise Forbidden("permission_missing", f"This needs the permission {WRITE}.")


_MERELY_STATUS = frozenset({"status"})


def expect_task(session: Session, task_id: int, version: int | None, names: frozenset[str] = _MERELY_STATUS) -> Record:
    """The task under its lock, as the caller has seen it, who may change these fields of it.

    Raises NotFound, PreconditionFailed, Forbidden.
    """
    task = RECORDS.expect(session, task_id, version)
    allow(task, names)
    return task


def update_task(session: Session, task_id: int, version: int | None, values: dict[str, Any]) -> Record:
    """Change the given fields of the state that the caller has seen.

    Raises NotFound, PreconditionFailed, Forbidden, Conflict, Invalid, UnknownReference.
    """
    return change_task(session, expect_task(session, task_id, version, frozenset(values)), values)


def change_task(
    session: Session, before: Record, values: dict[str, Any], *, completed_at: datetime | None = None
) -> Record:
    """Change the given fields of a task that is locked, with all that follows from it.

    Raises Conflict, Invalid, UnknownReference.
    """
    document = before.document
    RECORDS.refuse_archived(before)
    now = datetime.now(UTC)
    values = dict(values)
    person = _new_assignee(session, values, document)
    values |= check_links(session, values, document)
    due = _new_due(session, values, document, person)
    action = action_of(document["status"], values.get("status", document["status"]))
    if action == COMPLETED:
        refuse_future(completed_at, now)
        values["completed_at"] = completed_at or NOW
    elif document["status"] == COMPLETED and action in (CANCELLED, REOPENED):
        values["completed_at"] = None
    after = RECORDS.change(session, _EVENTS[action], before, values)
    if after.version != before.version:
        # A new assignee wants reminders of their own.
        moved = due is not None or "remind_at" in values or person is not None
        _settle(session, document, after.document, due_moved=moved, now=now)
        if person is not None:
            _tell_assignee(session, after, person)
    return after


def _new_assignee(session: Session, values: Mapping[str, Any], document: Mapping[str, Any]) -> Person | None:
    if values.get("assigned_to", document["assigned_to"]) == document["assigned_to"]:
        return None
    return get_active(session, values["assigned_to"])


def _new_due(
    session: Session, values: dict[str, Any], document: Mapping[str, Any], person: Person | None
) -> Due | None:
    """The due date that a change makes, noted in its values; None where it says nothing of it."""
    present = due_of(document)
    zone = "UTC"
    if present.due_time_zone is None and "due_time_zone" not in values and any(name in values for name in _DUE):
        person = person or find_person(session, document["assigned_to"])
        zone = person.time_zone if person is not None else zone
    due = given_due(values, present, zone)
    if due is not None:
        for name in _DUE:
            values.pop(name, None)
        values |= due.values
    return due


def _settle(
    session: Session, document: Mapping[str, Any], after: Mapping[str, Any], *, due_moved: bool, now: datetime
) -> None:
    """What follows from a change: reminders in step with it, and the next task of a series."""
    was_open, open_now = is_open(document["status"]), is_open(after["status"])
    if due_moved:
        keep_reminders(session, after, now)
    elif was_open and not open_now:
        silence_reminders(session, after["id"])
    elif open_now and not was_open:
        wake_reminders(session, after["id"], now)
    if was_open and not open_now:
        follow(session, after, now, _moment(after["completed_at"]) or now)


def keep_reminders(session: Session, task: Mapping[str, Any], now: datetime) -> None:
    """Compute the reminders of a task's document anew, as its assignee wants them."""
    person = find_person(session, task["assigned_to"]) or Person(task["assigned_to"])
    timing = Timing(task["id"], due_of(task), _moment(task["remind_at"]), is_open=is_open(task["status"]))
    move_reminders(session, timing, person, now)


def complete_task(session: Session, task: Record, completed_at: datetime | None = None) -> Record:
    """Complete a locked task; one that is completed stays as it is. Raises Conflict, Invalid."""
    return change_task(session, task, {"status": COMPLETED}, completed_at=completed_at)


def complete_named(session: Session, task_id: int, version: int) -> Record:
    """Complete the task that the caller has seen. Raises NotFound, PreconditionFailed, Conflict."""
    return complete_task(session, RECORDS.expect(session, task_id, version))


def reopen_named(session: Session, task_id: int, version: int) -> Record:
    """Take up the task again that the caller has seen. Raises NotFound, PreconditionFailed, Conflict."""
    return reopen_task(session, RECORDS.expect(session, task_id, version), "pending")


def cancel_task(session: Session, task: Record) -> Record:
    """Cancel a locked task; one that is cancelled stays as it is. Raises Conflict."""
    return change_task(session, task, {"status": CANCELLED})


def reopen_task(session: Session, task: Record, status: str) -> Record:
    """Take up a locked task again that was done or cancelled. Raises Conflict for one that is open."""
    document = task.document
    RECORDS.refuse_archived(task)
    refuse_open(document)
    return change_task(session, task, {"status": status})


def snooze_task(session: Session, task: Record, until: datetime | None, until_date: date | None) -> Record:
    """Put off a locked open task: its due date, and the time to remind at by as much. Raises Conflict, Invalid."""
    document = task.document
    RECORDS.refuse_archived(task)
    refuse_closed(document)
    due, remind_at = due_of(document), _moment(document["remind_at"])
    if due.due_date is None and remind_at is not None and until is not None and until_date is None:
        return change_task(session, task, {"remind_at": until})
    given = {"due_date": until} if due.due_on is None else {"due_on": until_date}
    other = until_date if due.due_on is None else until
    if due.due_date is None or None in given.values() or other is not None:
        detail = "A task with a time is put off to a time (until), an all-day one to a day (until_date)."
        raise Invalid("kind_of_due", detail, (FieldError("/until", "kind_of_due", detail),))
    moved = given_due(given, due, "UTC")
    assert moved is not None
    assert moved.due_date is not None
    if remind_at is not None:
        given["remind_at"] = remind_at + (moved.due_date - due.due_date)
    return change_task(session, task, given)


def archive_task(session: Session, task_id: int, version: int | None) -> Record:
    """Hide a task from lists. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, task_id, version)
    now = datetime.now(UTC)
    after = RECORDS.archive(session, TASK_ARCHIVED, before)
    silence_reminders(session, task_id)
    if is_open(before.document["status"]):
        follow(session, before.document, now, now)
    return after


def restore_task(session: Session, task_id: int, version: int | None) -> Record:
    """Bring a hidden task back. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, task_id, version)
    after = RECORDS.restore(session, TASK_RESTORED, before, {"archived_with_customer": False})
    if is_open(before.document["status"]):
        wake_reminders(session, task_id, datetime.now(UTC))
    return after


def delete_task(session: Session, task: Record) -> None:
    """Delete a locked task for good, with its reminders."""
    now = datetime.now(UTC)
    if is_open(task.document["status"]) and task.document["archived_at"] is None:
        follow(session, task.document, now, now)
    RECORDS.delete(session, TASK_PURGED, task)


def due_of(task: Mapping[str, Any]) -> Due:
    """The due date of a task's document."""
    due_on = task["due_on"]
    return Due(_moment(task["due_date"]), due_on and date.fromisoformat(due_on), task["due_time_zone"])


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
