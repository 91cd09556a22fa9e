"""Records of somebody who was deactivated, handed over to others: begun by the event, carried on in small steps."""

from collections.abc import Callable, Mapping, Sequence
from threading import Event as Flag
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    bindparam,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db import outbox
from chassis.db.json_view import JsonView
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.db.tables import tenant_table, timestamp
from chassis.db.waiting import WaitingRows
from chassis.events import Event, EventType
from chassis.references.users import UserReference

BATCH = 100


def transfer_table(name: str, metadata: MetaData, users: UserReference) -> Table:
    """The records of users on their way to others: one row per event, so that it happens once.

    `chassis.db.migrations.protect_transfers` closes it and tells the worker where there is work.
    """
    return tenant_table(
        name,
        metadata,
        Column("user_id", BigInteger, nullable=False),
        Column("targets", JSONB, nullable=False),
        Column("event_id", Uuid(as_uuid=False), nullable=False),
        Column("correlation_id", String(64), nullable=False),
        Column("moved", Integer, nullable=False, server_default=text("0")),
        timestamp("finished_at"),
        users.foreign_key("user_id", ondelete="CASCADE"),
        UniqueConstraint("company_id", "event_id"),
        CheckConstraint("jsonb_typeof(targets) = 'array'", name="targets"),
        Index(f"ix_{name}_pending", "company_id", "id", postgresql_where=text("finished_at IS NULL")),
    )


def transfer_view(table: Table) -> JsonView:
    """What events show of a transfer."""
    names = ("id", "company_id", "version", "user_id", "targets", "moved", "finished_at", "created_at", "updated_at")
    return JsonView(table, names)


class Transfers:
    """The transfers of one kind of record, shown by `view`; `kind` is what a plan calls it (`customers`).

    `owner` is the column that says whose a record is, `rows` are the conditions on those that are handed over, and
    `reassign(session, record_id, user_id)` gives one to another user and records its event.
    """

    def __init__(
        self,
        view: JsonView,
        *,
        users: UserReference,
        kind: str,
        owner: Column[Any],
        rows: Sequence[ColumnElement[bool]],
        reassign: Callable[[Session, int, int], object],
        source: str,
        started: EventType,
        completed: EventType,
    ) -> None:
        self._users = users
        self._kind = kind
        self._reassign = reassign
        self._source = source
        self._started = started
        self._completed = completed
        table = view.table
        this = (of_tenant(table), table.c.id == bindparam("of_id", type_=BigInteger))
        # The same event again adds nothing.
        self._start = Prepared(
            view.returning(
                upsert(table)
                .values(named_values(table, ("user_id", "targets", "event_id", "correlation_id")))
                .on_conflict_do_nothing(index_elements=["company_id", "event_id"])
            )
        )
        self._unfinished = Prepared(view.one(*this, table.c.finished_at.is_(None), lock=True))
        owned = owner.table
        self._next = Prepared(
            select(owned.c.id)
            .where(of_tenant(owned), owner == bindparam("of_user", type_=BigInteger), *rows)
            .order_by(owned.c.id)
            .limit(BATCH)
            .with_for_update()
        )
        moved = table.c.moved + bindparam("added", type_=Integer)
        step = update(table).where(*this).values(moved=moved, updated_at=func.now())
        self._progress = Prepared(step)
        self._finish = Prepared(view.returning(step.values(finished_at=func.now(), version=table.c.version + 1)))
        self.waiting = WaitingRows(table)

    def start(self, session: Session, event: Event) -> None:
        """Begin to hand over the records of a user who was deactivated; nothing for a plan that keeps them."""
        membership = event.data["after"]
        way: Mapping[str, Any] = (membership["transfer_plan"] or {}).get(self._kind, {})
        targets = [way["to"]] if "to" in way else list(way.get("round_robin", ()))
        if not targets:
            return
        row = session.fetch_one(
            self._start,
            user_id=membership["user_id"],
            targets=targets,
            event_id=event.id,
            correlation_id=current().request_id[:64],
        )
        if row is not None:
            self._record(session, self._started, None, row)

    def step(self, session: Session, transfer_id: int) -> bool:
        """Hand over the next records, in turn, to those of the targets who are active; False when there are no more.

        What was handed over is committed with its count, so it can stop after any step and go on from there. It ends
        early when the user is active again or none of the targets is any more, and waits for targets of whom no event
        has arrived yet.
        """
        row = session.fetch_one(self._unfinished, of_id=transfer_id)
        if row is None:
            return False
        state = orjson.loads(row[0])
        user_id, targets = state["user_id"], state["targets"]
        # Under a lock that the next event about any of them has to wait for.
        people = self._users.find_people(session, [user_id, *targets])
        if not people.keys() >= set(targets):
            return False
        active = [target for target in targets if people[target][1]]
        found = [] if people[user_id][1] or not active else session.fetch(self._next, of_user=user_id)
        for turn, (record_id,) in enumerate(found, state["moved"]):
            self._reassign(session, record_id, active[turn % len(active)])
        if found:
            session.run(self._progress, of_id=transfer_id, added=len(found))
            return True
        after = session.fetch(self._finish, of_id=transfer_id, added=0)[0]
        self._record(session, self._completed, row[0], after)
        return False

    def work(self, database: Database, stop: Flag) -> None:
        """Carry on with every transfer, a few records to a transaction; one that fails holds up no other."""
        self.waiting.work(database, stop, self.step)

    def _record(self, session: Session, event_type: EventType, before: bytes | None, row: Sequence[Any]) -> None:
        after, transfer_id, version = row
        outbox.record(
            session,
            event_type,
            source=self._source,
            record_id=transfer_id,
            version=version,
            before=before,
            after=after,
        )
