"""What the audit log knows of a service's records: a line of JSON for each record that changed since the backup."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class Known:
    """The last that was told of a record.

    `document` is the record as it was then, or as it was before it was `removed`; `type` is the event's type, `actions`
    are all that happened to the record meanwhile.
    """

    company_id: int
    table: str
    record_id: int
    version: int
    type: str
    actions: tuple[str, ...]
    removed: bool
    document: Mapping[str, Any]


def line_of(known: Known) -> bytes:
    """The line that `read_known` reads."""
    return orjson.dumps(asdict(known)) + b"\n"


def read_known(lines: Iterable[bytes]) -> Iterator[Known]:
    """Each line's record. Raises ValueError for what is no such line."""
    for line in lines:
        try:
            values = orjson.loads(line)
            yield Known(**values | {"actions": tuple(values["actions"])})
        except (KeyError, TypeError) as error:
            raise ValueError(f"this line tells of no record: {line[:80]!r}") from error
