"""What becomes of tasks and activities when their customer, lead or deal is archived, restored, moved or purged."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Uuid, any_, bindparam, func, select, update

from chassis.db.bulk import change_many, lock_many
from chassis.db.records import NOW, Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.events import EventType
from chassis.references import Reference
from tasks.commands.purging import forget_activity, forget_task
from tasks.events import (
    ACTIVITY_ARCHIVED,
    ACTIVITY_RESTORED,
    ACTIVITY_UPDATED,
    SERIES_ENDED,
    SERIES_UPDATED,
    TASK_ARCHIVED,
    TASK_RESTORED,
    TASK_UPDATED,
)
from tasks.models import activities, reminders, task_series, tasks
from tasks.queries.activities import RECORDS as ACTIVITIES
from tasks.queries.buckets import OPEN
from tasks.queries.series import RECORDS as SERIES
from tasks.queries.tasks import RECORDS as TASKS
from tasks.rules.reminders import SKIPPED, WAITING

PORTION = 500


@dataclass(frozen=True, eq=False)
class Kind:
    """Tasks, activities or series, all of the company's.

    `column` names one of them in notes; `live` holds for those that are not over.
    """

    records: Records
    updated: EventType
    column: str
    live: ColumnElement[bool]


def _all(records: Records) -> Records:
    return Records(records.view, source=records.source, noun=records.noun)


ALL_SERIES = _all(SERIES)
OF_TASKS = Kind(_all(TASKS), TASK_UPDATED, "task_id", tasks.c.archived_at.is_(None))
OF_ACTIVITIES = Kind(_all(ACTIVITIES), ACTIVITY_UPDATED, "activity_id", activities.c.archived_at.is_(None))
OF_SERIES = Kind(ALL_SERIES, SERIES_UPDATED, "series_id", task_series.c.ended_at.is_(None))
# Series as well, because the next task of one is about what the series is about; tasks before their series, as
# completing one locks them.
KINDS = (OF_TASKS, OF_ACTIVITIES, OF_SERIES)
# What is hidden and brought back with its subject, and by which events.
_HIDING = {OF_TASKS: (TASK_ARCHIVED, TASK_RESTORED), OF_ACTIVITIES: (ACTIVITY_ARCHIVED, ACTIVITY_RESTORED)}

_IDS = bindparam("of_ids", type_=ARRAY(BigInteger))
_OF_THESE = (of_tenant(reminders), reminders.c.task_id == any_(_IDS))
_SILENCE = Prepared(
    update(reminders).values(state=SKIPPED, updated_at=func.now()).where(*_OF_THESE, reminders.c.state == WAITING)
)
_WAKE = Prepared(
    update(reminders)
    .values(state=WAITING, attempts=0, next_attempt_at=None, updated_at=func.now())
    .where(
        *_OF_THESE,
        reminders.c.state == SKIPPED,
        reminders.c.fire_at > func.now(),
        reminders.c.fire_at.is_distinct_from(reminders.c.fired_for),
        reminders.c.task_id.in_(select(tasks.c.id).where(of_tenant(tasks), tasks.c.id == any_(_IDS), OPEN)),
    )
)
_SERIES = {
    name: Prepared(
        select(task_series.c.id)
        .where(of_tenant(task_series), task_series.c[name] == bindparam("of_subject", type_=BigInteger))
        .order_by(task_series.c.id)
    )
    for name in ("customer_id", "lead_id", "deal_id")
}


def note_archiving(session: Session, reference: Reference, number: int, event_id: str | None) -> None:
    """Remember by which event a record was hidden, so that its return brings back what went with it."""
    session.run(_noting(reference), of_subject=number, of_event=event_id)


@lru_cache(maxsize=8)
def _noting(reference: Reference) -> Prepared:
    table = reference.table
    return Prepared(
        update(table)
        .values(archived_by_event=bindparam("of_event", type_=Uuid(as_uuid=False)))
        .where(of_tenant(table), table.c[reference.key] == bindparam("of_subject", type_=BigInteger))
    )


def archive_with(session: Session, column: str, subject_id: int, event_id: str, at: datetime) -> None:
    """Hide the live tasks and activities of a subject, as part of the event that has hidden it."""
    values = {"archived_at": at, "archived_by_event": event_id, "archived_with_customer": True}
    for kind, (archived, _) in _HIDING.items():
        for locked in portions(session, kind, column, subject_id, "live"):
            change_many(session, kind.records, archived, [(record, values) for record in locked])
            if kind is OF_TASKS:
                session.run(_SILENCE, of_ids=[record.id for record in locked])


def restore_with(session: Session, column: str, subject_id: int, event_id: str | None) -> None:
    """Bring back exactly what went with a subject when the event hid it."""
    if event_id is None:
        return
    values = {"archived_at": None, "archived_by_event": None, "archived_with_customer": False}
    for kind, (_, restored) in _HIDING.items():
        for locked in portions(session, kind, column, subject_id, "gone_with", of_event=event_id):
            change_many(session, kind.records, restored, [(record, values) for record in locked])
            if kind is OF_TASKS:
                session.run(_WAKE, of_ids=[record.id for record in locked])


def move_customer(session: Session, column: str, subject_id: int, customer_id: int | None) -> None:
    """Let what belongs to a lead or a deal be of the customer that this is of now."""
    if customer_id is None:
        return
    for kind in KINDS:
        for locked in portions(session, kind, column, subject_id, "of_other", of_customer=customer_id):
            changes = [(record, {"customer_id": customer_id}) for record in locked]
            change_many(session, kind.records, kind.updated, changes)


def purge_subject(reference: Reference, session: Session, number: int, version: int) -> None:
    """Forget a lead or deal that was purged at this version, and what was about it alone."""
    _remove_subject(session, reference.key, number)
    reference.remove(session, number, version)


def _remove_subject(session: Session, column: str, subject_id: int) -> None:
    """Take a purged lead or deal away from what has a customer, and delete what has none."""
    for series in _series_about(session, column, subject_id):
        let_series_go(session, column, series)
    for kind in (OF_TASKS, OF_ACTIVITIES):
        for locked in portions(session, kind, column, subject_id, "all"):
            for record in locked:
                _remove_link(session, kind, column, kind.records.get(session, record.id, lock=True))


def _remove_link(session: Session, kind: Kind, column: str, record: Record) -> None:
    if record.document["customer_id"] is not None:
        kind.records.change(session, kind.updated, record, {column: None})
    elif kind is OF_TASKS:
        forget_task(session, record)
    else:
        forget_activity(session, record)


def let_series_go(session: Session, column: str, series: Record) -> None:
    """Let a locked series about a purged subject name it no more; one that is about no customer then ends."""
    document = series.document
    ends = document["ended_at"] is None and (column == "customer_id" or document["customer_id"] is None)
    values: dict[str, Any] = {column: None} | ({"ended_at": NOW} if ends else {})
    ALL_SERIES.change(session, SERIES_ENDED if ends else SERIES_UPDATED, series, values)


def end_series_about(session: Session, column: str, subject_id: int) -> None:
    """Let the series about a subject make no more tasks."""
    for series in _series_about(session, column, subject_id):
        if series.document["ended_at"] is None:
            ALL_SERIES.change(session, SERIES_ENDED, series, {"ended_at": NOW})


def _series_about(session: Session, column: str, subject_id: int) -> Iterator[Record]:
    for (series_id,) in session.fetch(_SERIES[column], of_subject=subject_id):
        yield ALL_SERIES.get(session, series_id, lock=True)


def portions(
    session: Session, kind: Kind, column: str, subject_id: int, which: str, *, most: int = PORTION, **given: Any
) -> Iterator[list[Record]]:
    """Those of a subject's records that are meant, locked, some hundred at a time in the order of their ids."""
    after = 0
    statement = _ids(kind, column, which)
    while True:
        rows = session.fetch(statement, of_subject=subject_id, after=after, most=most, **given)
        if not rows:
            return
        after = rows[-1][0]
        yield list(lock_many(session, kind.records, [row[0] for row in rows]).values())


@lru_cache(maxsize=64)
def _ids(kind: Kind, column: str, which: str) -> Prepared:
    table = kind.records.view.table
    conditions: dict[str, ColumnElement[bool] | None] = {
        "all": None,
        "live": kind.live,
        "of_other": table.c.customer_id.is_distinct_from(bindparam("of_customer", type_=BigInteger)),
    }
    if kind in _HIDING:
        conditions["gone_with"] = table.c.archived_by_event == bindparam("of_event", type_=Uuid(as_uuid=False))
    condition = conditions[which]
    return Prepared(
        select(table.c.id)
        .where(
            of_tenant(table),
            table.c[column] == bindparam("of_subject", type_=BigInteger),
            table.c.id > bindparam("after", type_=BigInteger),
            *([] if condition is None else [condition]),
        )
        .order_by(table.c.id)
        .limit(bindparam("most", type_=BigInteger))
    )
