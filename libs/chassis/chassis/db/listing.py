"""Lists: which fields a client may filter and sort by, and what a client has asked of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, collate, func, or_

from chassis.db.json_view import JsonView
from chassis.db.kinds import INTEGER, OF_EQUALS, OF_WORD, ON_NULLS, RANK, Kind, kind_of
from chassis.db.tables import ALPHABET

LARGEST_PAGE = 100
# However long the records are, a page ends with the one that reaches this. A process needs some times as much for it:
# the page as text, its records, and what becomes of them.
LARGEST_PAGE_BYTES = 1024 * 1024
DEFAULT_PAGE = 50


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything of a list request that decides its SQL; what is left are the values.

    A condition is a field and an operator: one of its kind's, or `not_null` for `is_null=false`, so that each of the
    two is a statement of its own, which a partial index can serve. `after` goes on behind a record, `after_null` behind
    one that has nothing in the first field of the sort; `named` reads the records that the list's function names.
    """

    fields: tuple[str, ...] | None
    conditions: tuple[tuple[str, str], ...]
    sort: tuple[tuple[str, bool], ...]
    limit: int
    after: bool
    search: bool = False
    named: bool = False
    after_null: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list request, understood: its shape, the values of its conditions in order, and where to go on.

    `options` are the further parameters that the list takes, as they were sent; `given` are values that conditions need
    beside those of the request, such as the present time.
    """

    shape: Shape
    values: tuple[Any, ...]
    after: tuple[Any, ...] = ()
    total: bool = False
    words: str = ""
    options: tuple[tuple[str, str], ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values as the statement's parameters; conditions on nulls and of words have none there."""
        pairs = enumerate(zip(self.shape.conditions, self.values, strict=True))
        valued = {
            f"v{index}": value
            for index, ((_, operator), value) in pairs
            if operator not in ON_NULLS and not operator.startswith(OF_WORD)
        }
        return valued | dict(self.given)

    def where(self, name: str, value: Any) -> "ListQuery":
        """The same question of only those records whose field `name` is `value`."""
        shape = replace(self.shape, conditions=(*self.shape.conditions, (name, "eq")))
        return replace(self, shape=shape, values=(*self.values, value))


@dataclass(frozen=True, slots=True)
class Page:
    """A page: `data` is a JSON array's text, `last` the sort keys of its last row when there are more."""

    data: bytes
    last: tuple[Any, ...] | None
    total: int | None = None


@dataclass(frozen=True, eq=False)
class Labels:
    """Words of which a record may have several: in `table`, under the columns `word` and `record` (its id).

    The table has the record's created_at as well, and its primary key is (company_id, word, created_at, record): the
    order of a list, so that a page of those that have a word reads no more than the page.
    """

    table: Table
    word: str
    record: str


@dataclass(frozen=True, eq=False)
class Word:
    """What a word means that a filter takes: a condition of several columns, maybe of the present time.

    `sort` is the order of the list where the request names none.
    """

    condition: ColumnElement[bool]
    sort: tuple[tuple[str, bool], ...] | None = None


@dataclass(frozen=True, eq=False)
class Listing:
    """What may be listed of a view.

    `filters` maps a field to its kind; those among `labels` are kept in a table of their own. `sorts` names the fields
    to sort by, but not the id alone, for which PostgreSQL would walk the primary key through the rows of all tenants;
    who has nothing there comes last. Records that are equal in one of the fields `grouped` are sorted by created_at, as
    the indexes of these fields are. `default` are conditions that hold unless the client filters by the field they are
    keyed with, such as leaving out archived records. `own` holds as well where the actor, its parameter `actor`, sees
    only their own records; `own_columns` are the columns that it compares, if an index is in order for each of them but
    for no two. `search` names a function of the database that answers (id, rank) to `q=` (words, most), the best first
    and of those as good the latest id, which takes an e-mail or web address in ASCII as well if it is a search
    `by_address` (words, most, address). `containing` names one that answers the ids of all records that may have a text
    in one of the fields `contained`, or null for too many (text, most); see `chassis.db.containing`. `words` are
    filters that take one of a few words each. `ranks` says by which column, which need not be shown, a field is sorted
    instead: by its meaning and not by the alphabet. Those in `alphabetical` are sorted as people read, and so are their
    indexes (`chassis.db.tables.alphabetical`). `options` are further parameters, for the route to read. The tenant's
    own condition is always there, whatever row-level security does.
    """

    view: JsonView
    filters: Mapping[str, Kind]
    sorts: Sequence[str]
    default_sort: tuple[tuple[str, bool], ...] = (("created_at", True),)
    default: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    own: ColumnElement[bool] | None = None
    own_columns: Sequence[str] = ()
    search: str = ""
    by_address: bool = False
    containing: str = ""
    contained: Sequence[str] = ()
    grouped: Sequence[str] = ()
    labels: Mapping[str, Labels] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, Word]] = field(default_factory=dict)
    ranks: Mapping[str, str] = field(default_factory=dict)
    alphabetical: Sequence[str] = ()
    options: Sequence[str] = ()

    @property
    def nouns(self) -> str:
        """What is listed, as sentences name it."""
        return self.view.name.replace("_", " ")

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that `fields=` may name."""
        return tuple(self.view.columns)

    def key_kinds(self, shape: Shape) -> tuple[Kind, ...]:
        """The kinds of the sort keys, to read a cursor's values back."""
        if shape.search:
            return (RANK, INTEGER)
        return tuple(kind_of(self.view.table.c[name]) for name, _ in self.keys(shape))

    def keys(self, shape: Shape) -> tuple[tuple[str, bool], ...]:
        """The sort of a shape made unique, in the direction of its last field; what is searched: best first."""
        if shape.search:
            return (("rank", True), ("id", True))
        names = [name for name, _ in shape.sort]
        last, descending = shape.sort[-1]
        more = ["created_at", "id"] if last in self.grouped else ["id"]
        return (*shape.sort, *((name, descending) for name in more if name not in names))

    def sorted_by(self, name: str, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """A column that holds the field `name`, as it is sorted, and as its index has it."""
        return collate(column, ALPHABET) if name in self.alphabetical else column

    def compared(self, name: str, operator: str) -> ColumnElement[Any]:
        """The column of a condition: of an address its key where the table has one, else its small letters."""
        table, kind = self.view.table, self.filters.get(name)
        if kind is not None and kind.key is not None and operator in OF_EQUALS:
            key = f"{name}_norm"
            return table.c[key] if key in table.c else func.lower(table.c[name], type_=table.c[name].type)
        return table.c[name] if operator == "contains" else self.sorted_by(name, table.c[name])

    def may_lack(self, name: str) -> bool:
        """Whether a record may have nothing in this field."""
        return bool(self.view.table.c[name].nullable)


def of_actor(table: Table, columns: Sequence[str]) -> ColumnElement[bool]:
    """That one of the named columns holds the id given as the parameter `actor`."""
    return or_(*(table.c[name] == bindparam("actor", type_=table.c[name].type) for name in columns))
