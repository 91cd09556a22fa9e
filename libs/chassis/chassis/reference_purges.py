"""A neighbour's records that were purged: what is about one is removed in small steps, and what is known of it then."""

from collections.abc import Callable

from sqlalchemy import (
    BigInteger,
    Column,
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
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis import events
from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.db.tables import tenant_table, timestamp
from chassis.events import Event
from chassis.references.reference import Reference

_NUMBER = bindparam("of_number", type_=BigInteger)
_PURGE = bindparam("of_id", type_=BigInteger)


def reference_purges_table(kind: str, metadata: MetaData, *, pending: str = "id") -> Table:
    """`<kind>_purges`: those that were purged, one row per record; `pending` is the order of their index."""
    return tenant_table(
        f"{kind}_purges",
        metadata,
        Column(f"{kind}_id", BigInteger, nullable=False),
        # The version that it was purged at: no older event brings it back.
        Column(f"{kind}_version", Integer, nullable=False),
        Column("event_id", Uuid(as_uuid=False), nullable=False),
        Column("correlation_id", String(64), nullable=False),
        timestamp("finished_at"),
        UniqueConstraint("company_id", f"{kind}_id"),
        Index(f"ix_{kind}_purges_pending", "company_id", pending, postgresql_where=text("finished_at IS NULL")),
    )


class ReferencePurges:
    """The purges of one kind of reference, which has an `archived_at`, noted in a table of `reference_purges_table`."""

    def __init__(self, table: Table, reference: Reference) -> None:
        self._reference = reference
        self._names = (reference.key, f"{reference.kind}_version", "event_id", "correlation_id")
        refs, this = reference.table, (of_tenant(table), table.c.id == _PURGE)
        self._hide = Prepared(
            update(refs)
            .where(of_tenant(refs), refs.c[reference.key] == _NUMBER)
            .values(archived_at=func.coalesce(refs.c.archived_at, func.now()))
        )
        self._note = Prepared(upsert(table).values(named_values(table, self._names)).on_conflict_do_nothing())
        self._unfinished = Prepared(
            select(table.c[self._names[0]], table.c[self._names[1]])
            .where(*this, table.c.finished_at.is_(None))
            .with_for_update()
        )
        self._finish = Prepared(update(table).where(*this).values(finished_at=func.now(), updated_at=func.now()))

    def note_event(self, session: Session, event: Event) -> None:
        """Remember that a record was purged; the worker removes what was about it, and what is known of it then."""
        self.note(session, event.record_id, event.aggregate_version, event_id=event.id)

    def note(self, session: Session, number: int, version: int, *, event_id: str | None = None) -> None:
        """The same, also where an operator found the record gone."""
        if number not in self._reference.find(session, (number,)):
            self._reference.remove(session, number, version)
            return
        # Nothing is made about it from now on.
        session.run(self._hide, of_number=number)
        values = (number, version, event_id or events.new_id(), current().request_id[:64])
        session.run(self._note, **dict(zip(self._names, values, strict=True)))

    def step(self, session: Session, purge_id: int, remove_next: Callable[[Session, int], bool]) -> bool:
        """Have `remove_next` remove some of what is about the record; whether there may be more.

        It says whether it has found any; when it has not, what is known of the record goes too.
        """
        row = session.fetch_one(self._unfinished, of_id=purge_id)
        if row is None:
            return False
        number, version = row
        if remove_next(session, number):
            return True
        self._reference.remove(session, number, version)
        session.run(self._finish, of_id=purge_id)
        return False
