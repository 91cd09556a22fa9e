"""The kinds of records that a service publishes, as healing needs them: their columns, events and statements."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from sqlalchemy import ARRAY, BigInteger, BindParameter, Column, any_, bindparam, delete, select, text
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.events import EventType

UPDATED = "updated"
REMOVED = ("purged", "deleted")
# Columns of a record that its document does not show, made from those that it shows.
Completion = Callable[[Session, dict[str, Any]], dict[str, Any]]
_OF_ID = bindparam("of_id", type_=BigInteger)
_GIVEN: tuple[BindParameter[Any], ...] = (bindparam("document", type_=JSONB), bindparam("new_version"))


class Kind:
    """One kind: its view, the events that tell of it, what completes a document to a row, and a new one (`initial`)."""

    def __init__(
        self,
        view: JsonView,
        types: Sequence[EventType],
        complete: Completion | None = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        self.view = view
        self.table = view.table
        self.types = {each.name: each for each in types}
        self.updated = next((each for each in types if each.action == UPDATED), None)
        self.removal = next((each for each in types if each.action in REMOVED), None)
        self.initial = dict(initial or {})
        self._complete = complete

    def told_by(self, type_name: str) -> EventType:
        """The event that tells of a healed record: that it was updated, or else again what was told last."""
        return self.updated or self.types[type_name]

    def completed(self, session: Session, document: Mapping[str, Any]) -> dict[str, Any]:
        """The columns to write, by name."""
        shown = {name: document[name] for name in self.view.columns if name in self.written and name in document}
        return shown if self._complete is None else self._complete(session, shown)

    @cached_property
    def written(self) -> Mapping[str, Column[Any]]:
        """The columns that a restore may write: all but those that PostgreSQL computes or healing itself sets."""
        own = {"id", "version", "updated_at"}
        return {
            column.name: column for column in self.table.columns if column.computed is None and column.name not in own
        }

    @cached_property
    def states(self) -> Prepared:
        """SELECT (id, version) of those of `of_ids` that are there, locked."""
        ids = bindparam("of_ids", type_=ARRAY(BigInteger))
        return Prepared(
            select(self.table.c.id, self.table.c.version).where(self.table.c.id == any_(ids)).with_for_update()
        )

    @cached_property
    def document(self) -> Prepared:
        """SELECT (document, id, version) of the record `of_id`."""
        return Prepared(self.view.one(self.table.c.id == _OF_ID, lock=False), writes=True)

    @cached_property
    def delete(self) -> Prepared:
        return Prepared(delete(self.table).where(self.table.c.id == _OF_ID))

    @cached_property
    def touch(self) -> Prepared:
        """Raise the version of the record `of_id` and leave it as it is otherwise."""
        return self._text("UPDATE {table} SET version = :new_version, updated_at = now() WHERE id = :of_id")

    def insert(self, names: Sequence[str]) -> Prepared:
        """Write a row with these columns of `document`, under its own id."""
        return self._text(
            "INSERT INTO {table} (id, version, updated_at, {names}) OVERRIDING SYSTEM VALUE "
            "SELECT CAST(:of_id AS bigint), CAST(:new_version AS integer), now(), {names} "
            "FROM jsonb_populate_record(CAST(NULL AS {table}), :document)",
            names,
        )

    def update(self, names: Sequence[str]) -> Prepared:
        """Write these columns of `document` over the record `of_id`."""
        return self._text(
            "UPDATE {table} SET version = :new_version, updated_at = now(), ({names}) = "
            "(SELECT {names} FROM jsonb_populate_record(CAST(NULL AS {table}), :document)) WHERE id = :of_id",
            names,
        )

    def _text(self, statement: str, names: Sequence[str] = ()) -> Prepared:
        # Names of our own tables and columns; `as` is among them.
        quoted = ", ".join(f'"{name}"' for name in names)
        sql = text(statement.format(table=f"public.{self.table.name}", names=quoted))
        parameters = [_OF_ID, *_GIVEN] if names else [_OF_ID, _GIVEN[1]]
        return Prepared(sql.bindparams(*parameters))


def kinds_of(
    published: Sequence[EventType],
    views: Sequence[JsonView],
    completions: Mapping[str, Completion] | None = None,
    *,
    initial: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Kind]:
    """The kinds that `published` tells of, by table, in an order in which each comes after those that it names."""
    by_table = {view.name: view for view in views}
    told = {table: [each for each in published if each.table == table] for table in by_table}
    order = [table.name for table in views[0].table.metadata.sorted_tables]
    return {
        table: Kind(by_table[table], told[table], (completions or {}).get(table), (initial or {}).get(table))
        for table in sorted(by_table, key=order.index)
        if told[table]
    }


def views_in(module: Any) -> list[JsonView]:
    """The views that a module declares."""
    return [value for value in vars(module).values() if isinstance(value, JsonView)]
