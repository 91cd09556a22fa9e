"""A kind of record of another service that this one keeps references to."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import orjson
from msgspec import defstruct
from msgspec.json import Decoder
from msgspec.structs import asdict
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    DateTime,
    ForeignKeyConstraint,
    MetaData,
    Table,
    any_,
    bindparam,
    delete,
    select,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.db.locks import lock_numbered
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.db.writer import Later
from chassis.errors import FieldError, Invalid, UnknownReference
from chassis.events import Event, MalformedEvent, moment
from chassis.references.saving import (
    SEEN,
    is_as_seen,
    of_reference,
    repair_statement,
    save_many_statement,
    save_statement,
)
from chassis.references.tables import reference_table

Guard = tuple[int, ...]

ACTIONS = ("created", "updated", "archived", "restored")


class Reference:
    """References to the records that `owner` calls `kind`, kept in `table` (`<kind>_refs`).

    `columns` are kept as the record's document has them under the same names, `local` ones are the service's own.
    Events of `actions` tell what a record is now; `removed` is the one that tells of its purging, and `tombstones` the
    table that remembers it. The owner answers for records that no event has told of yet on `path`.
    """

    guard: Sequence[str] = ("version",)
    document_id = "id"

    def __init__(
        self,
        kind: str,
        metadata: MetaData,
        *columns: Column[Any],
        owner: str,
        tombstones: Table | None = None,
        path: str | None = None,
        actions: Sequence[str] = ACTIONS,
        removed: str | None = "purged",
        local: Sequence[Column[Any]] = (),
    ) -> None:
        if removed is not None and tombstones is None:
            raise ValueError(f"references to {kind} can be removed, and need a table of tombstones")
        table = reference_table(kind, metadata, *columns, *local)
        self._declare(kind, table, [column.name for column in columns], owner, tombstones)
        self.path = f"/internal/{kind}s/{{company_id}}" if path is None else path
        self.entity = kind
        self.actions = tuple(actions)
        self.removed = removed

    def _declare(
        self, kind: str, table: Table, mirrored: Sequence[str], owner: str, tombstones: Table | None = None
    ) -> None:
        self.kind = kind
        self.table = table
        self.owner = owner
        self.key = f"{kind}_id"
        # SQLAlchemy's names of columns are no plain texts, which JSON wants.
        self.mirrored = tuple(str(name) for name in mirrored if name not in self.guard)
        # What is kept of a document. Only that is read of many.
        self._kept = Decoder(defstruct(kind, [(name, Any, None) for name in self.mirrored], gc=False))
        self._moments = tuple(name for name in self.mirrored if isinstance(table.c[name].type, DateTime))
        self._tombstones = tombstones
        parts = (table, self.key, self.guard, self.mirrored)
        self._save = save_statement(*parts, kind=kind, tombstones=tombstones)
        self._save_many = save_many_statement(*parts, kind=kind, tombstones=tombstones)
        self._repair = repair_statement(*parts, kind=kind, tombstones=tombstones)
        self._shown = [column.name for column in table.columns]
        among = (
            select(*table.columns)
            .where(of_tenant(table), table.c[self.key] == any_(bindparam("ids", type_=ARRAY(BigInteger))))
            .order_by(table.c[self.key])
        )
        self._read = Prepared(among)
        self._find = Prepared(among.with_for_update(read=True))
        self._is_as_seen = Prepared(
            select(table.c.version)
            .where(*of_reference(table, self.key), is_as_seen(table, self.guard))
            .with_for_update()
        )
        self._delete = Prepared(delete(table).where(*of_reference(table, self.key)))
        if tombstones is not None:
            values = {"company_id": TENANT, "kind": kind} | {
                name: bindparam(f"new_{name}", type_=tombstones.c[name].type) for name in ("ref_id", "version")
            }
            self._bury = Prepared(upsert(tombstones).values(values).on_conflict_do_nothing())

    def foreign_key(self, column: str, *, ondelete: str) -> ForeignKeyConstraint:
        """`column` names such a record of the same company. SET NULL empties that column alone, never the tenant."""
        rule = f"SET NULL ({column})" if ondelete == "SET NULL" else ondelete
        there = [f"{self.table.name}.company_id", f"{self.table.name}.{self.key}"]
        return ForeignKeyConstraint(["company_id", column], there, ondelete=rule)

    def unknown(self, pointer: str) -> Invalid:
        """What it means to a client that there is no such record: whether a look-up misses it or the foreign key."""
        return Invalid(f"unknown_{self.kind}", f"There is no such {self.kind} in this company.", self._fault(pointer))

    def missed(self, ids: Iterable[int], pointer: str) -> UnknownReference:
        """The error for ids that are not known here: their owner is asked for them, where there is anybody to ask."""
        return UnknownReference(
            f"unknown_{self.kind}",
            f"There is no such {self.kind} in this company.",
            self._fault(pointer),
            references=frozenset((self.kind, number) for number in ids),
        )

    def _fault(self, pointer: str) -> tuple[FieldError, ...]:
        detail = f"There is no such {self.kind} in this company."
        return (FieldError(pointer, "unknown_reference", detail),)

    def find(self, session: Session, ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Those of the references that are there, by id, locked so that an event about them waits for this change.

        What is made for a record before that event is therefore there when it comes, and nothing is made after it.
        """
        return self._rows_of(session, self._find, ids)

    def read(self, session: Session, ids: Collection[int]) -> dict[int, dict[str, Any]]:
        """Those of the references that are there, by id, without a lock: for what is only shown."""
        return self._rows_of(session, self._read, ids)

    def _rows_of(self, session: Session, statement: Prepared, ids: Collection[int]) -> dict[int, dict[str, Any]]:
        if not ids:
            return {}
        rows = (dict(zip(self._shown, row, strict=True)) for row in session.fetch(statement, ids=sorted(set(ids))))
        return {row[self.key]: row for row in rows}

    def require(self, session: Session, number: int, *, pointer: str) -> dict[str, Any]:
        """The reference under that lock. Raises UnknownReference."""
        found = self.find(session, (number,))
        if number not in found:
            raise self.missed((number,), pointer)
        return found[number]

    def save(self, session: Session, document: Mapping[str, Any]) -> bool:
        """Keep what a record's document says; whether it did.

        An older state never overwrites a newer one, and what was purged is not brought back.
        """
        return self.save_later(session, document).touched > 0

    def save_later(self, session: Session, document: Mapping[str, Any]) -> Later:
        """The same in one round trip with the next statement; it was kept where the answer has `touched` a row."""
        number = document[self.document_id]
        self._lock(session, number)
        return session.fetch_later(self._save, of_ref=number, **self._new(document))

    def save_event(self, session: Session, event: Event) -> None:
        """Keep what an event tells, whose `after` is the record's document."""
        after = event.data["after"]
        if after is None:
            self.remove(session, event.record_id, event.aggregate_version)
        else:
            self.save_later(session, self.told(after, event))

    def save_events(self, session: Session, events: Sequence[Event]) -> None:
        """The same for events of one tenant, in their order; a run without a purge in it costs as much as one event."""
        read = [(event, event.after_as(self._kept)) for event in events]
        for is_gone, run in groupby(read, lambda each: each[1] is None):
            if is_gone:
                for event, _ in run:
                    self.save_event(session, event)
            else:
                self._save_all(session, [self.told(asdict(kept), event) for event, kept in run if kept is not None])

    def told(self, document: Mapping[str, Any], event: Event) -> dict[str, Any]:
        """The document of an event, which has the record's id and version by itself."""
        return {**document, "id": event.record_id, "version": event.aggregate_version}

    def repair(self, session: Session, document: Mapping[str, Any], seen: Guard | None) -> bool:
        """Make what is kept what the owner answered; whether that changed anything.

        `seen` is the guard of what was kept before the owner was asked, None where there was nothing. What an event
        has told since stands, if it is newer.
        """
        number = document[self.document_id]
        self._lock(session, number)
        seen = seen or (-1,) * len(self.guard)
        return session.run(self._repair, **self._of(number), **self._new(document), **self._seen(seen)) > 0

    def is_as(self, session: Session, number: int, seen: Guard) -> bool:
        """Whether what is kept is still what was seen of it, and stays so until the transaction ends."""
        session.begin()
        self._lock(session, number)
        return session.fetch_one(self._is_as_seen, of_ref=number, **self._seen(seen)) is not None

    def remove(self, session: Session, number: int, version: int) -> None:
        """Forget a record that was purged at this version; nothing older, however late, is kept of it again."""
        self._lock(session, number)
        session.run_later(self._bury, new_ref_id=number, new_version=version)
        session.run(self._delete, of_ref=number)

    def values(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept of a document beside its guard. Raises MalformedEvent for a time that nobody could read back."""
        for name in self._moments:
            if document.get(name) is not None:
                try:
                    moment(document[name])
                except (ValueError, TypeError, OverflowError) as error:
                    raise MalformedEvent(f"{name} of a {self.kind} is no time: {error}") from error
        return {name: document.get(name) for name in self.mirrored}

    def guard_of(self, document: Mapping[str, Any]) -> Guard:
        """What says which of two documents is the older."""
        return (document["version"],)

    def _save_all(self, session: Session, documents: Iterable[Mapping[str, Any]]) -> None:
        newest: dict[int, Mapping[str, Any]] = {}
        for document in documents:
            known = newest.setdefault(document[self.document_id], document)
            if self.guard_of(known) < self.guard_of(document):
                newest[document[self.document_id]] = document
        if self._tombstones is not None:
            lock_numbered(session, self.table.name, newest)
        rows = [{self.key: number, **self._known(document)} for number, document in newest.items()]
        session.run(self._save_many, rows=orjson.dumps(rows).decode())

    def _known(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(self.guard, self.guard_of(document), strict=True)) | self.values(document)

    def _new(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return {f"new_{name}": value for name, value in self._known(document).items()}

    def _seen(self, seen: Guard) -> dict[str, int]:
        return {SEEN + name: value for name, value in zip(self.guard, seen, strict=True)}

    def _of(self, number: int) -> dict[str, int]:
        return {"of_ref": number}

    def _lock(self, session: Session, number: int) -> None:
        """One at a time saves or removes a record: a statement that waits for another sees no tombstone that it set."""
        if self._tombstones is not None:
            lock_numbered(session, self.table.name, (number,))
