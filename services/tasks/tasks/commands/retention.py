"""Deleting what is kept long enough: done tasks after three years, activities after seven; open tasks never."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event as Flag

from sqlalchemy import Integer, bindparam, func, select

from chassis import events
from chassis.context import Context, acting_as
from chassis.db.records import Record, Records
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared
from chassis.errors import NotFound
from tasks.commands.neighbours import OF_ACTIVITIES, OF_TASKS
from tasks.commands.purging import forget_activity, forget_task

PORTION = 100
_EVERY = 2**31 - 1


@dataclass(frozen=True, eq=False)
class Expiring:
    """A kind of record that is deleted in time; `function` names those of all tenants, `forget` deletes one."""

    function: str
    records: Records
    forget: Callable[[Session, Record], None]

    @property
    def found(self) -> Prepared:
        """The first of them, each with its company."""
        rows = getattr(func, self.function)(bindparam("most", type_=Integer)).table_valued("company_id", "id")
        return Prepared(select(rows.c.company_id, rows.c.id))


TASKS = Expiring("expired_tasks", OF_TASKS.records, forget_task)
ACTIVITIES = Expiring("expired_activities", OF_ACTIVITIES.records, forget_activity)


def count_expired(database: Database, expiring: Expiring) -> int:
    """How many would be deleted now."""
    with database.session() as session:
        return len(session.fetch(expiring.found, most=_EVERY))


def expire(database: Database, stop: Flag, expiring: Expiring) -> int:
    """Delete them, each in a transaction of its own and with its event; answers how many. It may stop anywhere."""
    gone = 0
    operation = f"retention/{datetime.now(UTC):%Y%m%d}"
    while not stop.is_set():
        with database.session() as session:
            found = session.fetch(expiring.found, most=PORTION)
        before = gone
        for company_id, record_id in found:
            if stop.is_set():
                break
            with acting_as(Context(company_id=company_id, request_id=events.new_id(), operation=operation)):
                gone += _forget(database, expiring, record_id)
        if len(found) < PORTION or gone == before:
            break
    return gone


def _forget(database: Database, expiring: Expiring, record_id: int) -> int:
    try:
        with database.transaction() as session:
            expiring.forget(session, expiring.records.get(session, record_id, lock=True))
    except NotFound:  # Somebody was faster.
        return 0
    return 1
