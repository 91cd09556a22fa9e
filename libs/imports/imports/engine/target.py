"""The seam of the engine: what a service says of the records that its files hold."""

# ruff: noqa: ARG002, B027  # Hooks that do nothing are there to be replaced where there is something to do.

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

from chassis.context import current
from chassis.db.bulk import change_many, create_many
from chassis.db.records import Record, Records
from chassis.db.session import Database, Session
from chassis.events import EventType
from chassis.references.asking import References
from imports.engine.lifecycle import CREATE
from imports.fields import Catalogue
from imports.proposal import Proposal
from imports.rows import Fault, Outcome, ReadRow
from imports.seen import Key, Seen


@dataclass(frozen=True, slots=True)
class RowOptions:
    """How rows become records.

    `draw` answers so many new numbers, for records that have one; without it no row is written. `empties` leaves empty
    what names nobody and nothing. `seen` is what the rows before would have done, where none is written. `around` is
    what `Target.around` has read, `told` what `Target.ask` was answered.
    """

    mode: str
    match_by: str | None
    around: Any = None
    empties: bool = False
    draw: Callable[[Session, int], Iterable[int]] | None = None
    seen: Seen = field(default_factory=Seen)
    told: Any = None

    @property
    def writes(self) -> bool:
        return self.draw is not None


@dataclass(frozen=True, slots=True)
class Known:
    """A record that a row is about: stored (`record`), or one that a row above would create."""

    id: int
    version: int
    document: Mapping[str, Any]
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What a row changes in a record."""

    row: ReadRow
    known: Known
    values: dict[str, Any]

    def after(self, name: str) -> Any:
        """What the record has in a field once the row has taken effect."""
        return self.values.get(name, self.known.document[name])


class Target(ABC):
    """A kind of record that files can hold: its fields, keys, checks and commands.

    Rows come many at a time, and so do questions to the database. A target keeps nothing of its own: what belongs to an
    import is in RowOptions. Hooks that answer faults do so by line.
    """

    noun: ClassVar[str]
    records: ClassVar[Records]
    created: ClassVar[EventType]
    updated: ClassVar[EventType]
    purged: ClassVar[EventType]
    catalogue: ClassVar[Catalogue]
    # The values of fields that know only some.
    choices: ClassVar[Mapping[str, Sequence[str]]] = {}
    # What a record can be found by.
    match_by: ClassVar[Sequence[str]] = ("id",)
    # A new record needs a column for one of these; the first is named where there is none.
    needed: ClassVar[Sequence[str]]
    # The service that is asked what rows mean.
    asks: ClassVar[str | None] = None
    # What a row says of new records alone.
    only_new: ClassVar[Collection[str]] = ("id", "created_at")
    # What a new record has where its row says nothing.
    blank: ClassVar[Mapping[str, Any]]
    # What rows make besides the records that this is about; a revert takes these back afterwards.
    beside: "ClassVar[Target | None]" = None

    def around(self, session: Session) -> Any:
        """Read what rows are looked at by, once for each turn: settings of the company, for instance."""
        return None

    def ask(self, database: Database, references: References, rows: Sequence[ReadRow]) -> Any:
        """Ask other services what the rows of a chunk mean, before any transaction begins.

        Raises Unavailable where one does not answer: the import waits then, and asks again.
        """
        return None

    def doubt(self, session: Session, proposal: Proposal) -> Proposal:
        """Doubt columns whose samples name nothing that the company keeps a list of."""
        return proposal

    def add_keys(self, row: ReadRow, around: Any) -> None:
        """Add the matching keys to a row that has no faults."""

    def draw_numbers(self, session: Session, count: int) -> range:
        """Put aside so many of the company's next numbers, for records that have one."""
        return range(0)

    def analyze(self, session: Session) -> None:
        """Let PostgreSQL look at the table, which rows have begun to fill."""

    def lock(self, session: Session, options: RowOptions) -> None:
        """Lock what is to stand still while rows are written."""

    def apply(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> Outcome | None:
        """Apply rows that are of several kinds of records; None leaves them to the engine."""
        return None

    def key_of(self, values: Mapping[str, Any], match_by: str) -> Any:
        """What a row's record is found by."""
        return values[match_by]

    def keys_left(self, values: Mapping[str, Any], match_by: str) -> list[Any]:
        """What rows below find the record by that a row with these values is about."""
        return [] if values.get(match_by) is None else [self.key_of(values, match_by)]

    def is_shown(self, document: Mapping[str, Any]) -> bool:
        """Whether whoever began the import may see a stored record that has these values now."""
        context = current()
        return not context.own_only or context.user_id in (document["assigned_to"], document["created_by"])

    def unique_keys(self, row: ReadRow, options: RowOptions) -> Iterator[Key]:
        """What else no two rows may share that take effect at the same time."""
        yield from ()

    def lookups(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> set[Key]:
        """Under what rows look for what rows before them have left."""
        return self.conflict_keys(rows, options)

    @abstractmethod
    def find(self, session: Session, match_by: str, keys: Collection[Any]) -> Mapping[Any, Sequence[tuple[int, bool]]]:
        """The records with each of these keys: the id, and whether it is archived."""

    def settle(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> Mapping[int, Sequence[Fault]]:
        """Put into rows what their words stand for: members by their names, for instance."""
        return {}

    def lacking(self, row: ReadRow) -> Fault | None:
        """What a row lacks for a new record."""
        return None

    def refuse_changes(
        self, session: Session, changes: Sequence[Change], options: RowOptions
    ) -> Mapping[int, Sequence[Fault]]:
        """What stands in the way of changes."""
        return {}

    def refuse_new(
        self, session: Session, rows: Sequence[ReadRow], options: RowOptions, outcome: Outcome
    ) -> Mapping[int, Sequence[Fault]]:
        """What stands in the way of new records, beside what `lacking` says."""
        return {}

    def leave(self, options: RowOptions, rows: Sequence[ReadRow], changes: Sequence[Change]) -> None:
        """Leave for the rows below what new rows and changes would do, beside what their records are found by.

        A record that a row would create has the row's line, below zero, for an id.
        """

    @abstractmethod
    def new_values(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[dict[str, Any]]:
        """The columns of new records."""

    def insert(self, session: Session, rows: Sequence[ReadRow], options: RowOptions) -> list[tuple[int, int]]:
        """Create records with their events; answers id and version of each in the order of the rows."""
        return create_many(session, self.records, self.created, self.new_values(session, rows, options))

    def wanted_numbers(self, rows: Sequence[ReadRow]) -> int:
        """How many numbers the rows will draw."""
        return 0

    def change(self, session: Session, changes: Sequence[Change], options: RowOptions) -> dict[int, int]:
        """Change records with their events; answers their versions."""
        keys = self.keys_of_changes(session, changes, options.around)
        keyed = [
            (change.known.record, change.values | own)
            for change, own in zip(changes, keys, strict=True)
            if change.known.record
        ]
        return {record_id: record.version for record_id, record in self.write(session, keyed).items()}

    def write(self, session: Session, changes: Sequence[tuple[Record, Mapping[str, Any]]]) -> dict[int, Record]:
        """Write values over locked records, those of rows and those of a revert, with their events."""
        return change_many(session, self.records, self.updated, changes)

    def keys_of_changes(self, session: Session, changes: Sequence[Change], around: Any) -> list[dict[str, Any]]:
        """The matching keys that follow from the values of each change."""
        return [{} for _ in changes]

    def differing(self, values: Mapping[str, Any], document: Mapping[str, Any]) -> dict[str, Any]:
        """What of a row's values is otherwise in the record."""
        return {
            name: value
            for name, value in values.items()
            if name not in self.only_new and not self.is_same(name, value, document[name])
        }

    def is_same(self, name: str, value: Any, other: Any) -> bool:
        """Whether two values of a field say the same."""
        if name in self.catalogue.amounts and value is not None and other is not None:
            return Decimal(value) == Decimal(other)
        return bool(value == other)

    def kept_for_others(self, session: Session, ids: Sequence[int]) -> set[int]:
        """Those of the created records that a revert leaves, because others have added to them."""
        return set()

    def set_back(
        self, session: Session, back: Sequence[tuple[Record, dict[str, Any]]], around: Any
    ) -> list[tuple[Record, dict[str, Any]]]:
        """What a revert writes to each record: the values before, and the keys that follow from them."""
        return list(back)

    def conflict_keys(self, rows: Iterable[ReadRow], options: RowOptions) -> set[Key]:
        """By what the rows could meet others; rows that share none of it take effect in any order."""
        return {key for row in rows if not row.faults for key in self.keys_of_row(row, options)}

    def keys_of_row(self, row: ReadRow, options: RowOptions) -> Iterator[Key]:
        """By what a row without faults could meet another."""
        if options.mode != CREATE and options.match_by is not None:
            for key in self.keys_left(row.new_values | row.values, options.match_by):
                yield "key", key
        yield from self.unique_keys(row, options)
