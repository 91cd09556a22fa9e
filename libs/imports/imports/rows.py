"""A row of a file on its way: its values, what is wrong with it, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

ERROR, WARNING = "error", "warning"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a row: the field (None where it is the row as a whole), a code, a sentence, the text."""

    line: int
    field: str | None
    code: str
    message: str
    value: str | None = None
    severity: str = ERROR


@dataclass(slots=True)
class ReadRow:
    """A row as a record's values and matching keys; what has faults already is not looked at further.

    `new_values` and `new_keys` are what a new record gets besides, `late` what is wrong with values that count for new
    ones alone.
    """

    line: int
    values: dict[str, Any]
    keys: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    late: list[Fault] = field(default_factory=list)
    new_values: dict[str, Any] = field(default_factory=dict)
    new_keys: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """The row that was dumped as this JSON object."""
        listed = {name: [Fault(**fault) for fault in document[name]] for name in ("faults", "warnings", "late")}
        return cls(**{**document, **listed})

    def warn(self, field_name: str | None, code: str, message: str, value: str | None = None) -> None:
        """Say something of the row that does not refuse it."""
        self.warnings.append(Fault(self.line, field_name, code, message, value, WARNING))

    def becomes_new(self) -> None:
        """Take what counts for a new record."""
        self.faults, self.late = [*self.faults, *self.late], []
        self.values = self.new_values | self.values
        self.keys = self.keys | self.new_keys
        self.new_values, self.new_keys = {}, {}


# A row of the file by its line and cells.
Reader = Callable[[int, Sequence[str]], ReadRow]


@dataclass(slots=True)
class Outcome:
    """What became of rows: (line, id, version) of those created, with the changed fields of those updated.

    `beside_created` and `beside_updated` are records of the other kind, where rows make two kinds of them.
    """

    created: list[tuple[int, int, int]] = field(default_factory=list)
    updated: list[tuple[int, int, int, dict[str, Any]]] = field(default_factory=list)
    unchanged: int = 0
    failed: int = 0
    codes: int = 0
    duplicates: int = 0
    faults: list[Fault] = field(default_factory=list)
    beside_created: list[tuple[int, int, int]] = field(default_factory=list)
    beside_updated: list[tuple[int, int, int, dict[str, Any]]] = field(default_factory=list)

    def __add__(self, later: Self) -> Self:
        """What became of these rows and of later ones."""
        return type(self)(*(getattr(self, name) + getattr(later, name) for name in self.__slots__))

    def refuse(self, row: ReadRow, *faults: Fault) -> None:
        """Count a row among those that failed."""
        self.failed += 1
        self.faults += faults or row.faults
