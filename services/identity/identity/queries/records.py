"""A record as its JSON text."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """A record's JSON and version."""

    json: bytes
    id: int
    version: int


def record_of(row: tuple[Any, ...] | None) -> Record:
    if row is None:
        raise LookupError("no such record in this tenant")
    return Record(*row)
