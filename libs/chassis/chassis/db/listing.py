"""Lists: which fields a client may filter and sort by, and one page of records as JSON by keyset, never by offset.

Keyset pagination (Winand, "No Offset"): a page costs the same wherever it lies, and rows that come and go meanwhile
are neither repeated nor skipped.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    ColumnElement,
    Table,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.types import UserDefinedType

from chassis.context import current, tenant
from chassis.db.json_view import JsonView
from chassis.db.kinds import INTEGER, ON_NULLS, RANK, Kind, condition, kind_of
from chassis.db.session import Session
from chassis.db.statements import Prepared

LARGEST_PAGE = 100
DEFAULT_PAGE = 50
MOST_FOUND = 200  # Whoever has not found it among so many searches with better words.
MOST_AMONG = 1000  # Where more have it, a page of them is soon found by reading on.


class _Tid(UserDefinedType[str]):
    """Where a row lies: PostgreSQL's own column `ctid`."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "tid"


@dataclass(frozen=True, slots=True)
class Shape:
    """Everything of a list request that decides its SQL; what is left are the values.

    A condition is a field and an operator: one of its kind's, or `not_null` for `is_null=false`, so that each of the
    two is a statement of its own, which a partial index can serve.
    """

    fields: tuple[str, ...] | None
    conditions: tuple[tuple[str, str], ...]
    sort: tuple[tuple[str, bool], ...]
    limit: int
    after: bool
    search: bool = False
    among: bool = False


@dataclass(frozen=True, slots=True)
class ListQuery:
    """A list request, understood: its shape, the values of its conditions in order, and where to go on."""

    shape: Shape
    values: tuple[Any, ...]
    after: tuple[Any, ...] = ()
    total: bool = False
    words: str = ""

    @property
    def parameters(self) -> dict[str, Any]:
        """The values as the statement's parameters; conditions on nulls have none there."""
        pairs = enumerate(zip(self.shape.conditions, self.values, strict=True))
        return {f"v{index}": value for index, ((_, operator), value) in pairs if operator not in ON_NULLS}

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
    on a null, and not the id alone, for which PostgreSQL would walk the primary key through the rows of all tenants.
    `default` are conditions that hold unless the client filters by the field they are keyed with, such as leaving out
    archived records. `own` holds as well where the actor, its parameter `actor`, sees only their own records;
    `own_columns` are the columns that it compares, if an index is in order for each of them but for no two. `search`
    names a function of the database that answers (id, rank) to `q=` (words, most). `containing` names one that answers
    where all records lie (their ctid) that may have a text in one of the fields `contained`, or null for too many
    (text, most): no index serves ILIKE below row-level security, and few records are found where few are read. The
    tenant's own condition is always there, whatever row-level security does.
    """

    view: JsonView
    filters: Mapping[str, Kind]
    sorts: Sequence[str]
    default_sort: tuple[tuple[str, bool], ...] = (("created_at", True),)
    default: Mapping[str, ColumnElement[bool]] = field(default_factory=dict)
    own: ColumnElement[bool] | None = None
    own_columns: Sequence[str] = ()
    search: str = ""
    containing: str = ""
    contained: Sequence[str] = ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that `fields=` may name."""
        return tuple(self.view.columns)

    def key_kinds(self, shape: Shape) -> tuple[Kind, ...]:
        """The kinds of the sort keys, to read a cursor's values back."""
        if shape.search:
            return (RANK, INTEGER)
        return tuple(kind_of(self.view.table.c[name]) for name, _ in _keys(shape))


def list_page(session: Session, listing: Listing, query: ListQuery) -> Page:
    """One page of the tenant's records. Costs one round trip, or two with the total or a part that many have."""
    parameters = query.parameters
    company_id = tenant()
    own = listing.own is not None and current().own_only
    if own:
        parameters["actor"] = current().user_id
    if query.shape.search:
        parameters["words"] = query.words
    keys = {f"k{index}": value for index, value in enumerate(query.after)}
    shape, part = query.shape, _part(listing, query)
    if part is not None:
        shape = replace(shape, among=True)
        parameters["part"] = part
    row = session.fetch(_page(listing, shape, own), company_id=company_id, **parameters, **keys)[0]
    if shape.among and row[-1]:
        shape = query.shape
        del parameters["part"]
        row = session.fetch(_page(listing, shape, own), company_id=company_id, **parameters, **keys)[0]
    total = None
    if query.total:
        statement = _count(listing, shape.conditions, own, shape.search, shape.among)
        total = session.fetch(statement, company_id=company_id, **parameters)[0][0]
    last = row[2 : 2 + len(_keys(shape))] if row[1] else None
    return Page(data=row[0] or b"[]", last=last, total=total)


def _part(listing: Listing, query: ListQuery) -> str | None:
    """What is looked for inside of one of the fields `contained`; what is searched is found without."""
    if query.shape.search:
        return None
    for (name, operator), value in zip(query.shape.conditions, query.values, strict=True):
        if operator == "contains" and name in listing.contained:
            return re.sub(r"\\(.)", r"\1", value[1:-1])
    return None


def lock_ids(session: Session, listing: Listing, query: ListQuery, most: int) -> list[int]:
    """Lock the records that `query` asks for, `most` of them, in the order of their ids; answers the ids."""
    parameters = query.parameters
    own = listing.own is not None and current().own_only
    if own:
        parameters["actor"] = current().user_id
    statement = _ids(listing, query.shape.conditions, own)
    return [row[0] for row in session.fetch(statement, company_id=tenant(), most=most, **parameters)]


@lru_cache(maxsize=256)
def _ids(listing: Listing, conditions: tuple[tuple[str, str], ...], own: bool) -> Prepared:
    table = listing.view.table
    matching = select(table.c.id).where(*_where(listing, conditions, own)).order_by(table.c.id)
    return Prepared(matching.limit(bindparam("most", type_=BigInteger)).with_for_update())


@lru_cache(maxsize=1024)
def _page(listing: Listing, shape: Shape, own: bool = False) -> Prepared:
    """The statement of a shape: clients repeat a few shapes endlessly, and each is compiled once."""
    keys = _keys(shape)
    columns: dict[str, ColumnElement[Any]] = {column.name: column for column in listing.view.table.c}
    # Each part of a page that is merged has its own half of what makes a record the actor's.
    merged = own and bool(listing.own_columns) and not shape.search and not shape.among
    where = _where(listing, shape.conditions, own and not merged, looked_up=shape.search or shape.among)
    names = shape.fields
    if shape.search:
        found = _found(listing)
        columns["rank"] = found.c.rank
        where.append(columns["id"] == found.c.id)
        # The rank stands beside the record's own columns and must not get into its document.
        names = names or listing.fields
    if shape.after:
        where.append(_beyond([(columns[name], descending) for name, descending in keys]))
    order = [columns[name].desc() if descending else columns[name].asc() for name, descending in keys]
    most: ColumnElement[Any] = literal_column(str(shape.limit + 1))
    if shape.among:
        # Of all that may have it only those of the page are read as a whole.
        first = select(_ctid(listing)).where(*where, _is_among(listing)).order_by(*order).limit(most).correlate(None)
        where = [where[0], _ctid(listing) == any_(func.array(first.scalar_subquery()))]
    documents = listing.view.documents(*where).order_by(*order).limit(most)
    if shape.search:
        documents = documents.add_columns(columns["rank"])
    rows = documents.subquery("d")
    if merged:
        rows = _merged(listing, shape, where, order, most)
    if names is None:
        shown: ColumnElement[Any] = literal_column("d")
    else:
        pairs: Any = ((literal_column(f"'{name}'"), rows.c[name]) for name in names)
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
            *([_places(listing).is_(None)] if shape.among else []),
        ).select_from(numbered)
    )


def _merged(
    listing: Listing, shape: Shape, where: list[ColumnElement[bool]], order: list[Any], most: ColumnElement[Any]
) -> Any:
    """The actor's page from one page for each column that may name them: no index is in order for both at once."""
    table = listing.view.table
    mine = [of_actor(table, (name,)) for name in listing.own_columns]
    parts = [
        # A null is not the actor; plain NOT would make it unknown.
        listing.view.documents(*where, this, *(other.is_not(True) for other in mine[:index])).order_by(*order)
        for index, this in enumerate(mine)
    ]
    both = union_all(*(part.limit(most).subquery().select() for part in parts)).subquery("u")
    keys = [both.c[name].desc() if descending else both.c[name].asc() for name, descending in _keys(shape)]
    return select(*both.c).order_by(*keys).limit(most).subquery("d")


@lru_cache(maxsize=256)
def _count(listing: Listing, conditions: tuple[tuple[str, str], ...], own: bool, search: bool, among: bool) -> Prepared:
    where = _where(listing, conditions, own, looked_up=search or among)
    if among:
        where.append(_is_among(listing))
    if search:
        where.append(listing.view.table.c.id.in_(select(_found(listing).c.id)))
    return Prepared(select(func.count()).select_from(listing.view.table).where(*where))


def _ctid(listing: Listing) -> ColumnElement[Any]:
    return literal_column(f"{listing.view.name}.ctid", _Tid())


def _is_among(listing: Listing) -> ColumnElement[bool]:
    """That a record lies where the list's function says; safe, as a statement sees nothing move."""
    return _ctid(listing) == any_(cast(_places(listing), ARRAY(_Tid())))


@lru_cache(maxsize=16)
def _places(listing: Listing) -> Any:
    """Where those lie that may have the parameter `part`, or null; asked once in a statement."""
    function = getattr(func, listing.containing)(bindparam("part", type_=Text), literal_column(str(MOST_AMONG)))
    among = select(function.label("places")).cte("among")
    return select(among.c.places).scalar_subquery()


def _found(listing: Listing) -> Any:
    """What the list's function finds for the parameter `words`, as a table of id and rank."""
    function = getattr(func, listing.search)(bindparam("words", type_=Text), literal_column(str(MOST_FOUND)))
    return function.table_valued(column("id", BigInteger), column("rank", REAL), name="found")


def _keys(shape: Shape) -> tuple[tuple[str, bool], ...]:
    """The sort of a shape made unique by the id, in the direction of the last field; what is searched: best first."""
    if shape.search:
        return (("rank", True), ("id", True))
    if any(name == "id" for name, _ in shape.sort):
        return shape.sort
    return (*shape.sort, ("id", shape.sort[-1][1]))


def _where(
    listing: Listing, conditions: tuple[tuple[str, str], ...], own: bool, *, looked_up: bool = False
) -> list[ColumnElement[bool]]:
    table = listing.view.table
    where: list[ColumnElement[bool]] = [table.c.company_id == bindparam("company_id", type_=table.c.company_id.type)]
    if own and listing.own is not None:
        # Where it is known which to look up, an index would read all that is own instead; none serves this form.
        where.append(listing.own.is_(True) if looked_up else listing.own)
    named = {name for name, _ in conditions}
    where += [default for name, default in listing.default.items() if name not in named]
    where += [condition(table.c[name], operator, f"v{index}") for index, (name, operator) in enumerate(conditions)]
    return where


def of_actor(table: Table, columns: Sequence[str]) -> ColumnElement[bool]:
    """That one of the named columns holds the id given as the parameter `actor`."""
    return or_(*(table.c[name] == bindparam("actor", type_=table.c[name].type) for name in columns))


def _beyond(keys: list[tuple[ColumnElement[Any], bool]]) -> ColumnElement[bool]:
    """The rows after the keys k0, k1, … in the sort order; a row comparison where the directions agree (an index can
    serve it), the expanded form where they are mixed.
    """
    # The cast is for REAL: a driver sends floats in double precision, in which no rank but 0.5 and its like is equal.
    bound = [
        cast(bound, column.type) if isinstance(column.type, REAL) else bound
        for index, (column, _) in enumerate(keys)
        for bound in [bindparam(f"k{index}", type_=column.type)]
    ]
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
