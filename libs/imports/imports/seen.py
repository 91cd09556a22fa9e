"""What the rows of a file before one would have done, so that validation counts what the run will do.

Validation changes nothing, so the database does not know of the rows before. They are kept here by what others could
meet them by; between chunks in a table, under hashes, so that a million rows need no more memory than a thousand.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from hashlib import blake2b
from typing import Any, Self

import orjson

Key = tuple[Any, ...]


def hashed(key: Key) -> int:
    """A number for a key, the same in every process; two keys of one file share one about never."""
    return int.from_bytes(blake2b(orjson.dumps(key), digest_size=8).digest(), "big", signed=True)


class Seen:
    """What earlier rows have left, by key; `find` answers what is kept of it elsewhere, by the numbers of keys."""

    def __init__(self, find: Callable[[Sequence[int]], Mapping[int, Any]] | None = None) -> None:
        self._known: dict[int, Any] = {}
        self._numbers: dict[Key, int] = {}
        self._new: dict[int, Any] = {}
        self._find = find
        self._of: Key = ()

    def within(self, *kind: Any) -> Self:
        """The same, of a kind of records: its keys are others than those of other kinds."""
        view = copy(self)
        view._of = (*self._of, *kind)  # noqa: SLF001  # Its own kind.
        return view

    def load(self, keys: Iterable[Key]) -> None:
        """Look for what is known under keys of which nobody could say before that they are wanted."""
        if self._find is not None:
            wanted = {self._number(key) for key in keys} - self._known.keys()
            if wanted:
                self._known.update({**dict.fromkeys(wanted), **self._find(list(wanted))})

    def get(self, *key: Any) -> Any:
        """What an earlier row has left under this key; None for nothing."""
        return self._known.get(self._number(key)) if self._known else None

    def put(self, *key: Any, entry: Any) -> None:
        """Leave something for the rows below."""
        number = self._number(key)
        self._known[number] = self._new[number] = entry

    def _number(self, key: Key) -> int:
        """The number of a key of this kind, made once."""
        whole = (*self._of, *key) if self._of else key
        number = self._numbers.get(whole)
        if number is None:
            number = self._numbers[whole] = hashed(whole)
        return number

    @property
    def new(self) -> Mapping[int, Any]:
        """What has come since the beginning."""
        return self._new
