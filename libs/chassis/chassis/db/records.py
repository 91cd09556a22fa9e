"""What every kind of record shares: found in its tenant, locked, held against a version, changed with its event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Integer, Table, bindparam, func, insert, or_, update

from chassis.context import current
from chassis.db import outbox
from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from chassis.errors import NotFound, PreconditionFailed
from chassis.events import EventType

NOW: Final = object()


@dataclass(frozen=True, slots=True)
class Record:
    """A record as its JSON text, with what a use case needs of it."""

    json: bytes
    id: int
    version: int


@dataclass(frozen=True, eq=False)
class Records:
    """The records that `view` shows; `noun` names one in errors, `source` is the service in events.

    `own` holds as well where the actor, the parameter `actor`, sees no more than their own records.

    A change writes where the version is still the one that was read under the lock, raises it by one, and records an
    event with both states, so that events of one record are gap-free.
    """

    view: JsonView
    source: str
    noun: str
    own: ColumnElement[bool] | None = None

    def get(self, session: Session, record_id: int, *, lock: bool = False) -> Record:
        """The tenant's record; with `lock` until the transaction ends. Raises NotFound."""
        context = current()
        own = {"actor": context.user_id} if self.own is not None and context.own_only else {}
        row = session.fetch_one(_select(self, bool(own), lock), of_id=record_id, **own)
        if row is None:
            raise NotFound(f"{self.noun.replace(' ', '_')}_not_found", f"There is no such {self.noun}.")
        return Record(*row)

    def expect(self, session: Session, record_id: int, version: int | None) -> Record:
        """The record under its lock, if it is still what the caller has seen; None is for one who does not say.

        Raises NotFound, PreconditionFailed.
        """
        record = self.get(session, record_id, lock=True)
        if version not in (None, record.version):
            raise PreconditionFailed(
                "stale_version",
                f"The {self.noun} has changed since; get it again.",
                headers={"ETag": f'"{record.version}"'},
            )
        return record

    def create(self, session: Session, event_type: EventType, values: Mapping[str, Any]) -> Record:
        """Insert a record of the tenant and record its event. Raises psycopg's IntegrityError for a constraint."""
        statement = _insert(self.view, frozenset(values))
        parameters = {f"new_{name}": value for name, value in values.items()}
        record = Record(*session.fetch(statement, **parameters)[0])
        self.note(session, event_type, record, before=None)
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
                _update(self.view, frozenset(values) - now, now, anyway),
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
        self.note(session, event_type, after, before=before, event_id=event_id, more=more)
        return after

    def note(
        self,
        session: Session,
        event_type: EventType,
        after: Record,
        *,
        before: Record | None,
        event_id: str | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the event of a change that was written otherwise."""
        outbox.record(
            session,
            event_type,
            source=self.source,
            record_id=after.id,
            version=after.version,
            before=None if before is None else before.json,
            after=after.json,
            event_id=event_id,
            more=more,
        )

    def gone(self, session: Session, event_type: EventType, before: Record) -> None:
        """Record the event of a deletion; it takes the version after the last one."""
        outbox.record(
            session,
            event_type,
            source=self.source,
            record_id=before.id,
            version=before.version + 1,
            before=before.json,
            after=None,
        )

    @property
    def this(self) -> Sequence[ColumnElement[bool]]:
        """The conditions that name one record of the tenant, with the parameter of_id."""
        return _this(self.view.table)


@lru_cache(maxsize=512)
def _select(records: Records, own: bool, lock: bool) -> Prepared:
    conditions = [*records.this]
    if own and records.own is not None:
        conditions.append(records.own)
    return Prepared(records.view.one(*conditions, lock=lock))


def _this(table: Table) -> Sequence[ColumnElement[bool]]:
    return (
        of_tenant(table),
        table.c.id == bindparam("of_id", type_=table.c.id.type),
    )


@lru_cache(maxsize=512)
def _insert(view: JsonView, names: frozenset[str]) -> Prepared:
    table = view.table
    values = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in sorted(names)}
    values["company_id"] = TENANT
    return Prepared(view.returning(insert(table).values(values)))


@lru_cache(maxsize=512)
def _update(view: JsonView, names: frozenset[str], now: frozenset[str], anyway: bool) -> Prepared:
    """Set the named columns (those in `now` to the transaction's time) where the version is still the expected one.

    Unless it is done `anyway`, one of them must have another value. PostgreSQL compares, because it alone knows that
    the amounts 5 and 5.00 are the same.
    """
    table = view.table
    values: dict[str, Any] = {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in sorted(names)}
    values |= dict.fromkeys(sorted(now), func.now())
    conditions = [*_this(table), table.c.version == bindparam("of_version", type_=Integer())]
    if not anyway:
        conditions.append(or_(*(table.c[name].is_distinct_from(values[name]) for name in sorted(names))))
    statement = update(table).where(*conditions)
    return Prepared(view.returning(statement.values(**values, version=table.c.version + 1, updated_at=func.now())))
