"""Everything that changes an activity, and the event that each change records."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, bindparam, select, true, update

from chassis.context import current
from chassis.db import record_statements
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Forbidden
from tasks.commands.follow_ups import keep_follow_up, make_follow_up
from tasks.commands.links import check_links
from tasks.commands.people import get_active
from tasks.commands.tasks import complete_task
from tasks.events import (
    ACTIVITY_ARCHIVED,
    ACTIVITY_CREATED,
    ACTIVITY_RESTORED,
    ACTIVITY_UPDATED,
)
from tasks.models import USERS, activities
from tasks.queries.activities import RECORDS
from tasks.rules.activities import logged_as, refuse_future, refuse_immutable, refuse_without_subject
from tasks.views import ACTIVITY

WRITE: Final = "activities:write"
WRITE_ALL: Final = "activities:write:all"
_ID = bindparam("of_id", type_=BigInteger)
_FOLLOWED = Prepared(
    ACTIVITY.returning(
        update(activities)
        .values(follow_up_task_id=bindparam("task_id", type_=BigInteger), follow_up_made=true())
        .where(of_tenant(activities), activities.c.id == _ID)
    )
)
_MADE = Prepared(select(activities.c.follow_up_made).where(of_tenant(activities), activities.c.id == _ID))


def log_activity(session: Session, values: dict[str, Any]) -> Record:
    """Log what somebody has done; for oneself, unless one may log for others.

    Raises Invalid, Forbidden, Conflict for a customer, lead or deal that is hidden, UnknownReference.
    """
    now = datetime.now(UTC)
    values = dict(values)
    actor = current().user_id
    if values.setdefault("user_id", actor) != actor:
        _refuse_without(WRITE_ALL)
    person = get_active(session, values["user_id"], "/user_id")
    USERS.ensure_actor(session)
    refuse_future(values.get("activity_date"), now)
    values |= check_links(session, values, {})
    refuse_without_subject(values)
    names = frozenset(values)
    statement = record_statements.insert_one(ACTIVITY, names)
    activity = Record(*session.fetch(statement, **{f"new_{name}": value for name, value in values.items()})[0])
    task = make_follow_up(session, activity.document, person, now)
    if task is not None:
        activity = Record(*session.fetch(_FOLLOWED, of_id=activity.id, task_id=task.id)[0])
    RECORDS.record_event(session, ACTIVITY_CREATED, activity, before=None)
    return activity


def complete_and_log(
    session: Session, task: Record, completed_at: datetime | None, activity: Mapping[str, Any] | None
) -> Record:
    """Complete a locked task and log that as an activity, if it is to be. Raises Conflict, Invalid, Forbidden."""
    after = complete_task(session, task, completed_at)
    if activity is not None and after.version != task.version:
        log_completion(session, after, activity)
    return after


def log_completion(session: Session, task: Record, given: Mapping[str, Any]) -> Record:
    """Log the completion of a task as an activity of its own kind. Raises Forbidden, Invalid."""
    _refuse_without(WRITE)
    document = task.document
    links = {name: document[name] for name in ("customer_id", "lead_id", "deal_id")}
    refuse_without_subject(links)
    completed_at = datetime.fromisoformat(document["completed_at"])
    values = {
        "activity_type": logged_as(document["task_type"]),
        "title": document["title"],
        "activity_date": completed_at,
        # By that a timeline knows that the two are one.
        "logged_completion": completed_at,
        "task_id": task.id,
        **links,
        **given,
    }
    return log_activity(session, values)


def update_activity(session: Session, activity_id: int, version: int | None, values: dict[str, Any]) -> Record:
    """Change the given fields of the state that the caller has seen.

    Raises NotFound, PreconditionFailed, Forbidden, Conflict, Invalid, UnknownReference.
    """
    return change_activity(session, expect_activity(session, activity_id, version), values)


def expect_activity(session: Session, activity_id: int, version: int | None) -> Record:
    """The activity under its lock, as the caller has seen it, who may change it.

    Raises NotFound, PreconditionFailed, Conflict for what an event has written, Forbidden for another's.
    """
    activity = RECORDS.expect(session, activity_id, version)
    refuse_immutable(activity.document)
    if activity.document["user_id"] != current().user_id:
        _refuse_without(WRITE_ALL)
    return activity


def _refuse_without(permission: str) -> None:
    if permission not in current().permissions:
        raise Forbidden("permission_missing", f"This needs the permission {permission}.")


def change_activity(session: Session, before: Record, values: dict[str, Any]) -> Record:
    """Change the given fields of an activity that is locked, and its follow-up with it. Raises Conflict, Invalid."""
    RECORDS.refuse_archived(before)
    values = dict(values)
    refuse_future(values.get("activity_date"), datetime.now(UTC))
    links = check_links(session, values, before.document)
    values |= links
    if links:
        refuse_without_subject(links)
    if "follow_up_date" in values:
        made = session.fetch_one(_MADE, of_id=before.id)
        values |= keep_follow_up(session, before.document, values["follow_up_date"], made=bool(made and made[0]))
    return RECORDS.change(session, ACTIVITY_UPDATED, before, values)


def archive_activity(session: Session, activity_id: int, version: int | None) -> Record:
    """Hide an activity. Raises NotFound, PreconditionFailed, Conflict, Forbidden."""
    return RECORDS.archive(session, ACTIVITY_ARCHIVED, expect_activity(session, activity_id, version))


def restore_activity(session: Session, activity_id: int, version: int | None) -> Record:
    """Bring a hidden activity back. Raises NotFound, PreconditionFailed, Conflict, Forbidden."""
    before = expect_activity(session, activity_id, version)
    return RECORDS.restore(session, ACTIVITY_RESTORED, before, {"archived_with_customer": False})
