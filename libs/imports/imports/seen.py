"""What the rows of a file before one would have done, so that validation counts what the run will do.

Validation changes nothing, so the database does not know of the rows before. They are kept here by what others could
meet them by; between chunks in a table, under hashes, so that a million rows need no more memory than a thousand.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import orjson

Key = tuple[Any, ...]


def hashed(key: Key) -> int:
    """A number for a key, the same in every process; two keys of one file share one about never."""
    return int.from_bytes(blake2b(orjson.dumps(key), digest_size=8).digest(), "big", signed=True)


class Seen:
    """What earlier rows have left, by key."""

    def __init__(self, known: Mapping[int, Any]) -> None:
        self._known = dict(known)
        self._new: dict[int, Any] = {}

    def get(self, *key: Any) -> Any:
        """What an earlier row has left under this key; None for nothing."""
        return self._known.get(hashed(key)) if self._known else None

    def put(self, *key: Any, entry: Any) -> None:
        """Leave something for the rows below."""
        number = hashed(key)
        self._known[number] = self._new[number] = entry

    @property
    def new(self) -> Mapping[int, Any]:
        """What has come since the beginning."""
        return self._new


def hashes(keys: Iterable[Key]) -> list[int]:
    """What to look for before a chunk is validated."""
    return list({hashed(key) for key in keys})
