"""Companies that were purged: noted, so that nothing raises them again, and deleted row by row, in small steps."""

from collections.abc import Callable, Collection, Sequence
from threading import Event as Flag
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    MetaData,
    Text,
    and_,
    bindparam,
    cast,
    column,
    false,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.db.tables import CHASSIS
from chassis.db.waiting import WaitingRows
from chassis.events import Event

PURGED = "crm.company.purged.v1"
BATCH = 1000
# What was under way when the purge was noted has ended by then: a gateway is told within 2 seconds that the company's
# tokens are good no longer, and a request is over 15 seconds after it came.
SETTLED_AFTER = "30 seconds"

# What a service does about a purged company before its rows are deleted; answers how much that was, 0 when all is done.
Step = Callable[[Session], int]

_PURGES = CHASSIS.tables["company_purges"]
_NAMES = ("created_by", "event_id", "correlation_id")
_NOTE = Prepared(upsert(_PURGES).values(named_values(_PURGES, _NAMES)).on_conflict_do_nothing())
_AMONG = Prepared(
    select(column("company_id")).select_from(
        func.purged_among(bindparam("companies", type_=ARRAY(BigInteger))).table_valued("company_id", name="found")
    )
)


def _transaction(number: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(cast(number, Text), BigInteger)


_THIS = (of_tenant(_PURGES), _PURGES.c.id == bindparam("of_id", type_=BigInteger))
_is_settled = and_(
    _PURGES.c.created_at < func.now() - literal_column(f"interval '{SETTLED_AFTER}'"),
    # Whatever began to write before the worker first saw the note has ended: no older transaction is open.
    _PURGES.c.known_from <= _transaction(func.pg_snapshot_xmin(func.pg_current_snapshot())),
)
_LOCK = Prepared(select(_PURGES.c.finished_at, _PURGES.c.known_from).where(*_THIS).with_for_update())
_KNOW = Prepared(
    update(_PURGES)
    .where(*_THIS, _PURGES.c.known_from.is_(None))
    .values(known_from=_transaction(func.pg_current_xact_id()))
)
_IS_SETTLED = Prepared(select(func.coalesce(_is_settled, false())).where(*_THIS))
_PROGRESS = update(_PURGES).where(*_THIS)
_ADVANCE = Prepared(
    _PROGRESS.values(changed=_PURGES.c.changed + bindparam("added", type_=Integer), updated_at=func.now())
)
_FINISH = Prepared(_PROGRESS.values(finished_at=func.now(), updated_at=func.now(), version=_PURGES.c.version + 1))
_TOUCH = Prepared(_PROGRESS.values(updated_at=func.now()))
_STATE = Prepared(select(_PURGES.c.changed, _PURGES.c.finished_at).where(of_tenant(_PURGES)))
_DELETE = Prepared(
    select(func.purge_company_rows(bindparam("of_table", type_=Text), bindparam("most", type_=Integer))), writes=True
)
# The outbox has no index by company, and is read as a whole.
_WITHOUT_DEADLINE = Prepared(text("SET LOCAL statement_timeout = 60000"))


def note(session: Session, event_id: str, created_by: int | None) -> None:
    """Note that the tenant was purged; the worker does the rest. The same event again adds nothing."""
    session.run(_NOTE, event_id=event_id, created_by=created_by, correlation_id=current().request_id[:64])


def note_event(session: Session, event: Event) -> None:
    """Note what the event of a purge tells."""
    note(session, event.id, event.actor)


def purged_among(session: Session, company_ids: Collection[int]) -> set[int]:
    """Those of the companies that were purged, whatever tenant the transaction is in."""
    rows = session.fetch(_AMONG, companies=sorted(company_ids)) if company_ids else []
    return {row[0] for row in rows}


def state(session: Session) -> dict[str, Any]:
    """How far the service is with the purge of the tenant: `state`, how many rows are gone, `finished_at`."""
    row = session.fetch_one(_STATE)
    if row is None:
        return {"state": "waiting", "changed": 0, "finished_at": None}
    changed, finished_at = row
    return {"state": "working" if finished_at is None else "done", "changed": changed, "finished_at": finished_at}


class CompanyPurges:
    """The job of one service: all tables of tenants in its metadata, those that refer to others first.

    `steps` come before. What could not be handled goes too (`failed_messages`), for it holds events.
    """

    def __init__(self, metadata: MetaData, steps: Sequence[Step] = ()) -> None:
        self._steps = steps
        self._tables = [
            table.name
            for table in reversed(metadata.sorted_tables)
            if ("tenant" in table.info or table.name == "failed_messages") and table.name != _PURGES.name
        ]
        self._waiting = WaitingRows(_PURGES)

    def work(self, database: Database, stop: Flag) -> None:
        """Carry on with every purge, some rows to a transaction; one that fails holds up no other."""
        self._waiting.work(database, stop, self.step)

    def step(self, session: Session, purge_id: int) -> bool:
        """Delete the next rows of the tenant; False when there is no more to do now.

        It is finished when nothing was left after all that knew nothing of the purge had ended.
        """
        row = session.fetch_one(_LOCK, of_id=purge_id)
        if row is None:
            return False
        finished_at, known_from = row
        if known_from is None:
            session.run(_KNOW, of_id=purge_id)
            return True
        session.run(_WITHOUT_DEADLINE)
        # Asked before the last look, and not after it.
        settled = session.fetch(_IS_SETTLED, of_id=purge_id)[0][0]
        if gone := self._go_on(session):
            session.run(_ADVANCE, of_id=purge_id, added=gone)
            return True
        if finished_at is not None:
            session.run(_TOUCH, of_id=purge_id)
        elif settled:
            session.run(_FINISH, of_id=purge_id)
        return False

    def _go_on(self, session: Session) -> int:
        for step in self._steps:
            if done := step(session):
                return done
        for table in self._tables:
            gone: int = session.fetch(_DELETE, of_table=table, most=BATCH)[0][0]
            if gone:
                return gone
        return 0
