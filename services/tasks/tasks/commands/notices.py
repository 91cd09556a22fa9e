"""Telling people: a notification each, once per event, never of their own doing."""

from typing import Any

from sqlalchemy.dialects.postgresql import insert

from chassis import events
from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values
from tasks.models import notifications
from tasks.rules import LONGEST_TITLE

_NAMES = ("user_id", "kind", "subject_table", "subject_id", "title", "details", "event_id")
_NOTIFY = Prepared(insert(notifications).values(named_values(notifications, _NAMES)).on_conflict_do_nothing())


def notify(
    session: Session,
    user_id: int,
    kind: str,
    subject: tuple[str, int],
    title: str,
    *,
    event_id: str | None = None,
    details: dict[str, Any] | None = None,
) -> bool:
    """Tell a user of a record; whether that is news. Without `event_id` it is of this transaction.

    Nobody is told of what they did themselves, nor anybody one by one of what is done to many at once.
    """
    if user_id == current().user_id or current().operation is not None:
        return False
    table, record_id = subject
    touched = session.run(
        _NOTIFY,
        user_id=user_id,
        kind=kind,
        subject_table=table,
        subject_id=record_id,
        title=title[:LONGEST_TITLE],
        details=details or {},
        event_id=event_id or events.new_id(),
    )
    return touched > 0
