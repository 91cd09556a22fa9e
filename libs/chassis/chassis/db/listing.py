"""Lists: which fields a client may filter and sort by, and one page of records as JSON by keyset, never by offset.

Keyset pagination (Winand, "No Offset"): a page costs the same wherever it lies, and rows that come and go meanwhile
are neither repeated nor skipped.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
)

from chassis.context import tenant
from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import Prepared

LARGEST_PAGE = 100
DEFAULT_PAGE = 50
BIGINT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of field: how its text is read (ValueError says what is wanted) and which operators it takes."""

    parse: Callable[[str], Any]
    operators: tuple[str, ...]
    description: str


def _integer(text: str) -> int:
    if not text.lstrip("-").isascii() or not text.lstrip("-").isdigit() or not -BIGINT <= int(text) <= BIGINT:
        raise ValueError("a 63-bit integer is wanted")
    return int(text)


def _timestamp(text: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("an RFC 3339 timestamp is wanted, such as 2026-11-22T03:50:38Z") from None
    if value.tzinfo is None:
        raise ValueError("the timestamp needs a time zone, such as Z")
    return value


def _text(text: str) -> str:
    if "\x00" in text:
        raise ValueError("NUL is not a character here")
    return text


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("true or false is wanted")
    return text == "true"


BOOLEAN = Kind(_boolean, ("eq",), "boolean")
INTEGER = Kind(_integer, ("eq", "ne", "gt", "gte", "lt", "lte", "in", "is_null"), "integer")
TIMESTAMP = Kind(_timestamp, ("eq", "gt", "gte", "lt", "lte", "is_null"), "timestamp")
TEXT = Kind(_text, ("eq", "ne", "in", "contains", "is_null"), "text")


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything of a list request that decides its SQL; what is left are the values."""

    fields: tuple[str, ...] | None
    conditions: tuple[tuple[str, str], ...]
    sort: tuple[tuple[str, bool], ...]
    limit: int
    after: bool


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list request, understood: its shape, the values of its conditions in order, and where to go on."""

    shape: Shape
    values: tuple[Any, ...]
    after: tuple[Any, ...] = ()
    total: bool = False

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
class Listing:
    """What may be listed of a view.

    `filters` maps a field to its kind. `sorts` names the fields to sort by: NOT NULL ones, since a keyset cannot stand
    on a null. `default` are conditions that hold unless the client filters by the field they are keyed with, such as
    leaving out archived records. The tenant's own condition is always there, whatever row-level security does.
    """

    view: JsonView
    filters: Mapping[str, Kind]
    sorts: Sequence[str]
    default_sort: tuple[tuple[str, bool], ...] = (("created_at", True),)
    default: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that `fields=` may name."""
        return tuple(self.view.columns)

    def key_kinds(self, shape: Shape) -> tuple[Kind, ...]:
        """The kinds of the sort keys, to read a cursor's values back."""
        return tuple(_kind_of(self.view.table.c[name]) for name, _ in _keys(shape))


def list_page(session: Session, listing: Listing, query: ListQuery) -> Page:
    """One page of the tenant's records. Costs one round trip (two with the total)."""
    parameters: dict[str, Any] = {f"v{index}": value for index, value in enumerate(query.values)}
    company_id = tenant()
    keys = {f"k{index}": value for index, value in enumerate(query.after)}
    row = session.fetch(_page(listing, query.shape), company_id=company_id, **parameters, **keys)[0]
    total = None
    if query.total:
        total = session.fetch(_count(listing, query.shape.conditions), company_id=company_id, **parameters)[0][0]
    return Page(data=row[0] or b"[]", last=row[2:] if row[1] else None, total=total)


@lru_cache(maxsize=1024)
def _page(listing: Listing, shape: Shape) -> Prepared:
    """The statement of a shape: clients repeat a few shapes endlessly, and each is compiled once."""
    table = listing.view.table
    keys = _keys(shape)
    where = _where(listing, shape.conditions)
    if shape.after:
        where.append(_beyond([(table.c[name], descending) for name, descending in keys]))
    order = [table.c[name].desc() if descending else table.c[name].asc() for name, descending in keys]
    documents = listing.view.documents(*where).order_by(*order).limit(literal_column(str(shape.limit + 1)))
    rows = documents.subquery("d")
    if shape.fields is None:
        shown: ColumnElement[Any] = literal_column("d")
    else:
        pairs: Any = ((literal_column(f"'{name}'"), rows.c[name]) for name in shape.fields)
        shown = func.json_build_object(*(part for pair in pairs for part in pair))
    numbered = select(
        shown.label("doc"),
        func.row_number().over().label("n"),
        *(rows.c[name].label(f"key{index}") for index, (name, _) in enumerate(keys)),
    ).subquery("p")
    kept = numbered.c.n <= literal_column(str(shape.limit))
    last = numbered.c.n == literal_column(str(shape.limit))
    return Prepared(
        select(
            func.json_agg(numbered.c.doc).filter(kept),
            func.count() > literal_column(str(shape.limit)),
            *(func.max(numbered.c[f"key{index}"]).filter(last) for index in range(len(keys))),
        ).select_from(numbered)
    )


@lru_cache(maxsize=256)
def _count(listing: Listing, conditions: tuple[tuple[str, str], ...]) -> Prepared:
    return Prepared(select(func.count()).select_from(listing.view.table).where(*_where(listing, conditions)))


def _keys(shape: Shape) -> tuple[tuple[str, bool], ...]:
    """The sort of a shape made unique by the id, in the direction of the last field."""
    if any(name == "id" for name, _ in shape.sort):
        return shape.sort
    return (*shape.sort, ("id", shape.sort[-1][1]))


def _where(listing: Listing, conditions: tuple[tuple[str, str], ...]) -> list[ColumnElement[bool]]:
    table = listing.view.table
    where: list[ColumnElement[bool]] = [table.c.company_id == bindparam("company_id", type_=table.c.company_id.type)]
    named = {name for name, _ in conditions}
    where += [condition for name, condition in listing.default.items() if name not in named]
    where += [_condition(table.c[name], operator, f"v{index}") for index, (name, operator) in enumerate(conditions)]
    return where


def _condition(column: ColumnElement[Any], operator: str, name: str) -> ColumnElement[bool]:  # noqa: PLR0911  # A table.
    value = bindparam(name, type_=column.type)
    match operator:
        case "eq":
            return column == value
        case "ne":
            return column.is_distinct_from(value)
        case "gt":
            return column > value
        case "gte":
            return column >= value
        case "lt":
            return column < value
        case "lte":
            return column <= value
        case "in":
            return column == any_(bindparam(name, type_=ARRAY(column.type)))
        case "contains":
            return column.ilike(value)
        case _:
            # One statement for both: true asks for the nulls, false for the others.
            return column.is_(None) == bindparam(name, type_=Boolean)


def _beyond(keys: list[tuple[ColumnElement[Any], bool]]) -> ColumnElement[bool]:
    """The rows after the keys k0, k1, … in the sort order; a row comparison where the directions agree (an index can
    serve it), the expanded form where they are mixed.
    """
    bound = [bindparam(f"k{index}", type_=column.type) for index, (column, _) in enumerate(keys)]
    directions = {descending for _, descending in keys}
    if len(directions) == 1:
        columns = func.row(*(column for column, _ in keys))
        return columns < func.row(*bound) if directions.pop() else columns > func.row(*bound)
    return or_(
        *(
            and_(
                *(keys[before][0] == bound[before] for before in range(index)),
                column < bound[index] if descending else column > bound[index],
            )
            for index, (column, descending) in enumerate(keys)
        )
    )


def _kind_of(column: ColumnElement[Any]) -> Kind:
    python_type = column.type.python_type
    return {int: INTEGER, datetime: TIMESTAMP}.get(python_type, TEXT)
