"""What is revoked, as the maps that HAProxy compares tokens with; read from identity's answers with suspicion."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.map_files import COMPANIES, SESSIONS, USERS

# Name of a map → key → value; what is not revoked is not there.
Maps = Mapping[str, Mapping[str, int]]

_CURSOR = re.compile(r"[0-9]{1,19}")
# Only what can stand in a token: anything else would match none, and might mean something to HAProxy's command line.
_ID = re.compile(r"[1-9][0-9]{0,18}")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST_VER = 2**31 - 1

EMPTY: Maps = {USERS: {}, SESSIONS: {}, COMPANIES: {}}


class InvalidAnswerError(ValueError):
    """Identity's answer is not what was agreed on."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What identity says: where to go on, and the new value of each key; 0 for what is no longer revoked."""

    cursor: str
    values: Maps


@dataclass(frozen=True, slots=True)
class Change:
    """One step from one state of a map to another: `value` is None for a key to be removed."""

    map: str
    key: str
    value: int | None
    known: bool


def read_answer(document: object) -> Answer:
    """The answer in a JSON document. Raises InvalidAnswerError."""
    cursor, users, sessions, companies = (
        _member(document, name, kind)
        for name, kind in (("cursor", str), ("users", dict), ("sessions", list), ("companies", dict))
    )
    if not _CURSOR.fullmatch(cursor):
        raise InvalidAnswerError("its cursor is none")
    return Answer(
        cursor,
        {
            USERS: {key: _ver(value) for key, value in users.items() if _ID.fullmatch(key)},
            SESSIONS: {key: 1 for key in map(_text, sessions) if _UUID.fullmatch(key)},
            COMPANIES: {key: int(_closed(value)) for key, value in companies.items() if _ID.fullmatch(key)},
        },
    )


def updated(known: Maps, news: Maps) -> Maps:
    """`known` after `news`; the very same object where nothing is new."""
    if all(known[name].get(key, 0) == value for name, entries in news.items() for key, value in entries.items()):
        return known
    return {name: _revoked({**entries, **news.get(name, {})}) for name, entries in known.items()}


def changes(before: Maps, after: Maps) -> Iterator[Change]:
    """The steps from one state to another."""
    for name, entries in after.items():
        old = before[name]
        for key, value in entries.items():
            if old.get(key) != value:
                yield Change(name, key, value, known=key in old)
        for key in old.keys() - entries.keys():
            yield Change(name, key, None, known=True)


def _revoked(entries: Mapping[str, int]) -> Mapping[str, int]:
    return {key: value for key, value in entries.items() if value}


def _member(document: object, name: str, kind: type) -> Any:
    value = document.get(name) if isinstance(document, dict) else None
    if not isinstance(value, kind):
        raise InvalidAnswerError(f"it has no {name}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidAnswerError("a session is no text")
    return value.lower()


def _ver(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST_VER:
        raise InvalidAnswerError("a user's lowest ver is no number")
    return value


def _closed(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidAnswerError("a company is neither closed nor open")
    return value
