"""What rows above have done to records while nothing is written, as rows below would find it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from imports.seen import Seen

Hits = Sequence[tuple[int, bool]]
_KEY, _VALUES = "key", "record"


class Above:
    """The records that rows above would have made or changed; one that would be made has the row's line, below zero.

    Of a key is kept which records have it now and which do not any more, of a record what it has other than what is
    stored. Where rows are written there is nothing of either.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen

    def find(self, key: Any, stored: Hits) -> Hits:
        """The records with a key, of which these are stored; whether each is archived."""
        left = self._seen.get(_KEY, key)
        if not left:
            return stored
        has = dict(left)
        hits = [hit for hit in stored if has.get(hit[0], True)]
        known = {record_id for record_id, _ in hits}
        return [*hits, *((record_id, False) for record_id, there in left if there and record_id not in known)]

    def load_keys(self, keys: Iterable[Any]) -> None:
        """Look for what is kept of these keys."""
        self._seen.load((_KEY, key) for key in keys)

    def load(self, ids: Iterable[int]) -> None:
        """Look for what is kept of these records."""
        self._seen.load((_VALUES, record_id) for record_id in ids)

    def values(self, record_id: int) -> Mapping[str, Any]:
        """What a record has other than what is stored; of one that would be made all that it has."""
        found: Mapping[str, Any] | None = self._seen.get(_VALUES, record_id)
        return found or {}

    def leave(self, record_id: int, values: Mapping[str, Any]) -> None:
        """Keep values of a record beside those that were left before."""
        self._seen.put(_VALUES, record_id, entry={**self.values(record_id), **values})

    def move(self, record_id: int, before: Collection[Any], after: Collection[Any]) -> None:
        """Let a record be found by other keys than before."""
        for keys, there in (([key for key in before if key not in after], False), (after, True)):
            for key in keys:
                others = [one for one in self._seen.get(_KEY, key) or () if one[0] != record_id]
                self._seen.put(_KEY, key, entry=[*others, [record_id, there]])
