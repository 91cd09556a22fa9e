"""What names a member who was purged: handed on, let go of or deleted, in small steps that the event begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Event as Flag
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ColumnElement,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.bulk import change_many
from chassis.db.record_statements import in_order
from chassis.db.records import Record, Records
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.db.tables import one_of, tenant_table, timestamp
from chassis.db.waiting import WaitingRows
from chassis.events import Event, EventType
from chassis.references.users import UserReference

BATCH = 100
DELETED_AT_ONCE = 1000
ACTIVITIES = ("keep", "delete")
# Of a purge in a service: not heard of yet, begun, at its end.
STATES = ("waiting", "working", "done")

_USER = bindparam("of_user", type_=BigInteger)
_BATCH, _DELETED_AT_ONCE = literal_column(str(BATCH), Integer), literal_column(str(DELETED_AT_ONCE), Integer)


def purges_table(metadata: MetaData) -> Table:
    """`user_purges`: the members who were purged, one row per event, so that what follows happens once.

    `created_by` is who purged them. `chassis.db.migrations.protect_purges` closes it and tells the worker where there
    is work.
    """
    return tenant_table(
        "user_purges",
        metadata,
        Column("user_id", BigInteger, nullable=False),
        Column("transfer_to", BigInteger),
        Column("activities", String(10), nullable=False),
        Column("created_by", BigInteger),
        Column("event_id", Uuid(as_uuid=False), nullable=False),
        Column("correlation_id", String(64), nullable=False),
        Column("changed", Integer, nullable=False, server_default=text("0")),
        timestamp("finished_at"),
        one_of("activities", ACTIVITIES),
        UniqueConstraint("company_id", "event_id"),
        Index("ix_user_purges_pending", "company_id", "id", postgresql_where=text("finished_at IS NULL")),
    )


def next_of(
    table: Table, column: str, most: ColumnElement[int], *where: ColumnElement[bool]
) -> tuple[ColumnElement[bool], ...]:
    """The conditions on the next rows that name the user, the parameter `of_user`, in a column.

    Which ones is found first, by the column's index, whatever their order: what is written or locked is these alone.
    """
    named = select(table.c.id).where(of_tenant(table), table.c[column] == _USER, *where).limit(most)
    found = named.correlate(None).scalar_subquery()
    return of_tenant(table), table.c.id == any_(func.array(found, type_=ARRAY(BigInteger)))


@dataclass(frozen=True, slots=True)
class Purge:
    """A purge on its way: of whom, and what was wished for; `heir` is who gets their records, None for nobody."""

    user_id: int
    heir: int | None
    activities: str


@dataclass(frozen=True, eq=False)
class Held:
    """A kind of record that names users; each that is changed is told of by an event `updated`.

    The columns `made_by` become null. The column `owner` names the heir then, and nobody where there is none. Where it
    cannot be null, records that `waits` holds for get another owner in any case, and the others go on naming the user.
    """

    records: Records
    updated: EventType
    made_by: Sequence[str] = ("created_by",)
    owner: str | None = None
    waits: ColumnElement[bool] | None = None

    @property
    def must_be_owned(self) -> bool:
        """Whether somebody has to get what waits."""
        return self.owner is not None and not self.records.view.table.c[self.owner].nullable

    @cached_property
    def naming(self) -> dict[str, Prepared]:
        """By column: the next records that name the user there, locked in the order of their ids."""
        columns = self.made_by if self.owner is None else (self.owner, *self.made_by)
        return {name: self._next(name) for name in columns}

    @cached_property
    def waiting(self) -> Prepared:
        """The next records that the user owns and that wait."""
        assert self.owner is not None
        assert self.waits is not None
        return self._next(self.owner, self.waits)

    def _next(self, column: str, *where: ColumnElement[bool]) -> Prepared:
        table = self.records.view.table
        return Prepared(in_order(self.records.view, *next_of(table, column, _BATCH, *where)))


@dataclass(frozen=True, eq=False)
class Deleted:
    """Rows that are nothing but the user's own, and of which no event tells."""

    table: Table
    column: str = "user_id"

    @cached_property
    def statement(self) -> Prepared:
        """Delete the next of them."""
        return Prepared(delete(self.table).where(*next_of(self.table, self.column, _DELETED_AT_ONCE)))


class Purges:
    """The purges of members in one service: what it holds of them, what is deleted, and further `steps` of its own.

    A step does some of its work and says whether there is more.
    """

    def __init__(
        self,
        table: Table,
        *,
        users: UserReference,
        held: Sequence[Held],
        deleted: Sequence[Deleted] = (),
        steps: Sequence[Callable[[Session, Purge], bool]] = (),
    ) -> None:
        self._users = users
        self.held = held
        self.deleted = deleted
        self._steps = steps
        this = (of_tenant(table), table.c.id == bindparam("of_id", type_=BigInteger))
        names = ("user_id", "transfer_to", "activities", "created_by", "event_id", "correlation_id")
        # The same event again adds nothing.
        self._start = Prepared(upsert(table).values(named_values(table, names)).on_conflict_do_nothing())
        self._unfinished = Prepared(
            select(table.c.user_id, table.c.transfer_to, table.c.activities)
            .where(*this, table.c.finished_at.is_(None))
            .with_for_update()
        )
        changed = table.c.changed + bindparam("added", type_=Integer)
        step = update(table).where(*this).values(changed=changed, updated_at=func.now())
        self._progress = Prepared(step)
        self._finish = Prepared(step.values(finished_at=func.now(), version=table.c.version + 1))
        self._look = Prepared(
            select(table.c.changed, table.c.finished_at).where(
                of_tenant(table), table.c.event_id == bindparam("of_event", type_=Uuid(as_uuid=False))
            )
        )
        refs = users.table
        self._eldest = Prepared(
            select(refs.c.user_id)
            .where(of_tenant(refs), refs.c.is_active, refs.c.version > 0)
            .order_by(refs.c.user_id)
            .limit(literal_column("1"))
            .with_for_update(read=True)
        )
        self.waiting = WaitingRows(table, operation=True)

    def start(self, session: Session, event: Event) -> None:
        """Note that a member was purged; the worker does the rest."""
        session.run(
            self._start,
            user_id=event.data["before"]["user_id"],
            transfer_to=event.data["transfer_to"],
            activities=event.data["activities"],
            created_by=event.actor,
            event_id=event.id,
            correlation_id=current().request_id[:64],
        )

    def state(self, session: Session, event_id: str) -> dict[str, Any]:
        """How far the purge is that an event began: its `state`, how many records it has `changed`, `finished_at`."""
        row = session.fetch_one(self._look, of_event=event_id)
        if row is None:
            return {"state": "waiting", "changed": 0, "finished_at": None}
        changed, finished_at = row
        return {"state": "working" if finished_at is None else "done", "changed": changed, "finished_at": finished_at}

    def work(self, database: Database, stop: Flag) -> None:
        """Carry on with every purge, some records to a transaction; one that fails holds up no other."""
        self.waiting.work(database, stop, self.step)

    def step(self, session: Session, purge_id: int) -> bool:
        """Go on with a purge; False when there is no more to do now.

        What was done is committed with its count, so it can stop after any step and go on from there. It ends early
        when the user has joined the company again, and waits for an heir of whom no event has arrived yet.
        """
        row = session.fetch_one(self._unfinished, of_id=purge_id)
        if row is None:
            return False
        user_id, transfer_to, activities = row
        # Under a lock that the next event about any of them has to wait for.
        people = self._users.find_people(session, [user_id, *([] if transfer_to is None else [transfer_to])])
        if transfer_to is not None and transfer_to not in people:
            return False
        heir = transfer_to if transfer_to is not None and people[transfer_to][1] else None
        purge = Purge(user_id, heir, activities)
        done = 0 if people[user_id][1] else self._go_on(session, purge)
        session.run(self._progress if done else self._finish, of_id=purge_id, added=done)
        return bool(done)

    def _go_on(self, session: Session, purge: Purge) -> int:
        """The next of everything; how much that was, and 0 where there is nothing left."""
        for held in self.held:
            if found := self._let_go(session, held, purge):
                return found
        for rows in self.deleted:
            if gone := session.run(rows.statement, of_user=purge.user_id):
                return gone
        return int(any(step(session, purge) for step in self._steps))

    def _let_go(self, session: Session, held: Held, purge: Purge) -> int:
        heir = purge.heir
        stays = held.must_be_owned and heir is None
        for column, statement in held.naming.items():
            if stays and column == held.owner:
                if held.waits is None:
                    continue
                found = session.fetch(held.waiting, of_user=purge.user_id)
                heir = self._stand_in(session) if found else None
            else:
                found = session.fetch(statement, of_user=purge.user_id)
            if found:
                records = [Record(*row) for row in found]
                changes = [(record, _without(held, record, purge.user_id, heir)) for record in records]
                # One that somebody has changed while its lock was waited for may not name the user any more.
                change_many(session, held.records, held.updated, [change for change in changes if change[1]])
                return len(found)
        return 0

    def _stand_in(self, session: Session) -> int:
        """Who gets what somebody has to have though no heir was named: who purged the user, or the eldest member."""
        purger = current().user_id
        if purger is not None and self._users.active_among(session, (purger,)):
            return purger
        row = session.fetch_one(self._eldest)
        if row is None:
            raise LookupError("nobody is active in the company; the next turn looks again")
        eldest: int = row[0]
        return eldest


def _without(held: Held, record: Record, user_id: int, heir: int | None) -> dict[str, Any]:
    """What a record says in the place of the user."""
    document = record.document
    values: dict[str, Any] = {name: None for name in held.made_by if document[name] == user_id}
    if held.owner is not None and document[held.owner] == user_id and not (held.must_be_owned and heir is None):
        values[held.owner] = heir
    return values
