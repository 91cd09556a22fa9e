"""A kind of record whose requests are measured among a thousand and among a million."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, LiteralString

from chassis.testing.databases import DatabaseUrls

# What is asked for: words that the tenant's own rows give, or that are the same everywhere.
Ask = Callable[[dict[str, Any]], str]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Change:
    """A request that changes something: a path, and the body that is sent to it. Of a PATCH the row has the version."""

    method: str
    path: Ask
    body: Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Bound:
    """A whole path that a large tenant asks for, and the milliseconds that it may take."""

    path: str
    most: float


@dataclass(frozen=True)
class Subject:
    """What is asked of one kind of record; `create` makes a database with so many of them in each tenant.

    `lists` are what follows the question mark, asked by who sees all, `own` by who sees their own; `paths` are whole.
    `reported` is held to nothing. `rows` answers some rows of a tenant, of which changes take another each time;
    `sorts` are the orders in whose middle a page is asked for, by the name of the cursor. `bounds` are asked by one
    more tenant, of `large` records.
    """

    name: str
    service: str
    create: Callable[[str, dict[int, int], Say], DatabaseUrls]
    user_of: Callable[[int], int]
    scope: str
    own_scope: str
    rows: LiteralString
    columns: tuple[str, ...]
    sorts: Mapping[str, str]
    target: float
    method: str
    lists: Mapping[str, Ask]
    own: Mapping[str, Ask]
    paths: Mapping[str, Ask] = field(default_factory=dict)
    reported: Mapping[str, Ask] = field(default_factory=dict)
    changes: Mapping[str, Change] = field(default_factory=dict)
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    large: int = 0

    @property
    def heading(self) -> str:
        """The heading of its section in the documentation."""
        return f"## A million {self.name}"
