"""What every kind of record shares: found in its tenant, locked, held against a version, written with its event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement

from chassis import events
from chassis.context import current
from chassis.db import outbox
from chassis.db import record_statements as statements
from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Conflict, NotFound, PreconditionFailed
from chassis.events import EventType

NOW: Final = object()


@dataclass(frozen=True)
class Record:
    """A record as its JSON text, with what a use case needs of it."""

    json: bytes
    id: int
    version: int

    @cached_property
    def document(self) -> dict[str, Any]:
        """The JSON, parsed once, for whoever has to look inside; to be read and not changed."""
        document: dict[str, Any] = orjson.loads(self.json)
        return document


@dataclass(frozen=True, eq=False)
class Records:
    """The records that `view` shows; `noun` names one in errors, `source` is the service in events.

    `own` holds as well where the actor, the parameter `actor`, sees no more than their own records. `part_of` is the
    column with the id of the whole where each is a part of a record of another kind: parts are archived, restored and
    deleted with their whole. Of the JSON columns that are `merged` a change gives some members, and the others stay.

    A change writes where the version is still the one that was read under the lock, raises it by one, and records an
    event with both states, so that events of one record are gap-free.
    """

    view: JsonView
    source: str
    noun: str
    own: ColumnElement[bool] | None = None
    part_of: str | None = None
    merged: frozenset[str] = frozenset()

    @property
    def code(self) -> str:
        """The noun as codes of errors begin with it."""
        return self.noun.lower().replace(" ", "_")

    def get(self, session: Session, record_id: int, *, lock: bool = False) -> Record:
        """The tenant's record; with `lock` until the transaction ends. Raises NotFound."""
        statement, parameters = self._one(record_id, lock=lock)
        return self._found(session.fetch(statement, **parameters))

    def _one(self, record_id: int, *, lock: bool) -> tuple[Prepared, dict[str, Any]]:
        context = current()
        own = self.own if context.own_only else None
        actor = {} if own is None else {"actor": context.user_id}
        return statements.get_one(self.view, own, lock), {"of_id": record_id, **actor}

    def _found(self, rows: list[tuple[Any, ...]]) -> Record:
        if not rows:
            raise NotFound(f"{self.code}_not_found", f"There is no such {self.noun}.")
        return Record(*rows[0])

    def expect(self, session: Session, record_id: int, version: int | None) -> Record:
        """The record under its lock, if it is still what the caller has seen; None is for one who does not say.

        Raises NotFound, PreconditionFailed.
        """
        record = self.get(session, record_id, lock=True)
        self.refuse_stale(record, version)
        return record

    def expect_later(self, session: Session, record_id: int, version: int | None) -> Callable[[], Record]:
        """The same in one round trip with the next statement, or when the answer is called for, which raises."""
        statement, parameters = self._one(record_id, lock=True)
        later = session.fetch_later(statement, **parameters)

        def expected() -> Record:
            record = self._found(later.rows)
            self.refuse_stale(record, version)
            return record

        return expected

    def refuse_stale(self, record: Record, version: int | None) -> None:
        """Raise PreconditionFailed for a record that the caller has not seen as it is; None is for who does not say."""
        if version not in (None, record.version):
            raise PreconditionFailed(
                "stale_version",
                f"The {self.noun} has changed since; get it again.",
                headers={"ETag": f'"{record.version}"'},
            )

    def create(
        self,
        session: Session,
        event_type: EventType,
        values: Mapping[str, Any],
        *,
        event_id: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Record:
        """Insert a record of the tenant and record its event, whose data has the members `more` besides.

        Raises psycopg's IntegrityError for a constraint.
        """
        statement = statements.insert_one(self.view, frozenset(values))
        parameters = {f"new_{name}": value for name, value in values.items()}
        record = Record(*session.fetch(statement, **parameters)[0])
        self.record_event(session, event_type, record, before=None, event_id=event_id, more=more)
        return record

    def change(
        self,
        session: Session,
        event_type: EventType,
        before: Record,
        values: Mapping[str, Any],
        *,
        event_id: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> Record:
        """Write `values` over the locked state `before`; the value NOW is the transaction's time.

        Where all of them are there already nothing is written: no new version, no event, and `before` is the answer.
        `more` are further members of the event's data; an event that has them is told whether or not a value changes.
        """
        plain = {f"new_{name}": value for name, value in values.items() if value is not NOW}
        now = frozenset(name for name, value in values.items() if value is NOW)
        anyway = bool(now) or more is not None
        rows = (
            session.fetch(
                statements.update_one(self.view, frozenset(values) - now, now, self.merged, anyway),
                of_id=before.id,
                of_version=before.version,
                **plain,
            )
            if values or anyway
            else []
        )
        if not rows:
            # Unless the caller held no lock and the record has moved on, which must not pass for the same.
            return self.expect(session, before.id, before.version)
        after = Record(*rows[0])
        self.record_event(session, event_type, after, before=before, event_id=event_id, more=more)
        return after

    def refuse_archived(self, record: Record) -> None:
        """Raise Conflict for a record that is archived."""
        if record.document["archived_at"] is not None:
            detail = f"{self.noun[:1].upper()}{self.noun[1:]} {record.id} is archived; restore it first."
            raise Conflict(f"{self.code}_archived", detail)

    def archive(
        self,
        session: Session,
        event_type: EventType,
        before: Record,
        values: Mapping[str, Any] | None = None,
        *,
        parts: Mapping["Records", EventType] | None = None,
        event_id: str | None = None,
    ) -> Record:
        """Hide a locked record from lists, and its live `parts` with it, each with the event of its kind.

        All of them remember the event that they went by, so that a restore brings back just these. `values` are further
        columns to write. Raises Conflict for one that is archived already.
        """
        self.refuse_archived(before)
        event_id = event_id or events.new_id()
        for kind, archived in (parts or {}).items():
            locked = kind.lock_parts(session, before.id)
            kind.change_all(session, archived, locked, statements.archive_many(kind.view), of_event=event_id)
        hidden = {"archived_at": NOW, "archived_by_event": event_id}
        return self.change(session, event_type, before, hidden | dict(values or {}), event_id=event_id)

    def restore(
        self,
        session: Session,
        event_type: EventType,
        before: Record,
        values: Mapping[str, Any] | None = None,
        *,
        parts: Mapping["Records", EventType] | None = None,
    ) -> Record:
        """Bring back a locked record, and those of its `parts` that went with it.

        Raises Conflict for one that is not archived.
        """
        if before.document["archived_at"] is None:
            raise Conflict(f"{self.code}_not_archived", f"The {self.noun} is not archived.")
        for kind, restored in (parts or {}).items():
            gone_with = statements.lock_gone_with(kind.view, kind.whole_column, self.view.table)
            locked = [Record(*row) for row in session.fetch(gone_with, of_whole=before.id)]
            kind.change_all(session, restored, locked, statements.restore_many(kind.view))
        shown = {"archived_at": None, "archived_by_event": None}
        return self.change(session, event_type, before, shown | dict(values or {}))

    def delete(
        self,
        session: Session,
        event_type: EventType,
        before: Record,
        *,
        parts: Mapping["Records", EventType] | None = None,
    ) -> None:
        """Delete a locked record for good, and first all its `parts`: none goes by the database's own cascade."""
        for kind, deleted in (parts or {}).items():
            kind.delete_all(session, deleted, kind.lock_parts(session, before.id, archived=True))
        self.delete_all(session, event_type, [before])

    def delete_all(self, session: Session, event_type: EventType, locked: Sequence[Record]) -> None:
        """Delete locked records for good; each event takes the version after the last one."""
        if not locked:
            return
        session.run(statements.delete_many(self.view.table), of_ids=[record.id for record in locked])
        self._record_all(session, event_type, [(record, None) for record in locked])

    def change_all(
        self, session: Session, event_type: EventType, locked: Sequence[Record], statement: Prepared, **parameters: Any
    ) -> None:
        """Run an UPDATE of the records `of_ids` on locked ones, and record an event for each."""
        if not locked:
            return
        rows = session.fetch(statement, of_ids=[record.id for record in locked], **parameters)
        after = {row[1]: Record(*row) for row in rows}
        self._record_all(session, event_type, [(record, after[record.id]) for record in locked])

    def lock_parts(self, session: Session, whole_id: int, *, archived: bool = False) -> list[Record]:
        """The live parts of a whole, and with `archived` all of them, locked in the order of their ids."""
        return [
            Record(*row)
            for row in session.fetch(statements.lock_parts(self.view, self.whole_column, archived), of_whole=whole_id)
        ]

    def record_event(
        self,
        session: Session,
        event_type: EventType,
        after: Record,
        *,
        before: Record | None,
        event_id: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the event of a change that was written otherwise, after the row was written or locked."""
        outbox.record(
            session,
            event_type,
            source=self.source,
            record_id=after.id,
            version=after.version,
            before=None if before is None else before.json,
            after=after.json,
            # What the use case has looked into is parsed already.
            changed=() if before is None else outbox.changed_fields(before.document, after.document),
            event_id=event_id,
            more=more,
        )

    def _record_all(
        self, session: Session, event_type: EventType, changes: Sequence[tuple[Record, Record | None]]
    ) -> None:
        told = [
            outbox.Change(before.id, before.version + 1, before.json, None if after is None else after.json)
            for before, after in changes
        ]
        outbox.record_many(session, event_type, source=self.source, changes=told)

    @property
    def this(self) -> Sequence[ColumnElement[bool]]:
        """The conditions that name one record of the tenant, with the parameter of_id."""
        return statements.this(self.view.table)

    @property
    def whole_column(self) -> str:
        """The column with the id of the whole. Raises ValueError for records that are part of nothing."""
        if self.part_of is None:
            raise ValueError(f"the {self.noun} is part of nothing")
        return self.part_of
