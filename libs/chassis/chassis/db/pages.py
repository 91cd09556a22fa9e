"""A page of a list: its records as JSON, by keyset and never by offset.

Keyset pagination (Winand, "No Offset"): a page costs the same wherever it lies, and rows that come and go meanwhile
are neither repeated nor skipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    REAL,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    false,
    func,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from chassis.context import current
from chassis.db import containing
from chassis.db.kinds import OF_WORD, condition
from chassis.db.listing import LARGEST_PAGE_BYTES, Labels, Listing, ListQuery, Page, Shape, of_actor
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from people.domains import ascii_address
from people.phones import number_in

_UNSHOWN = "key_of_"
MOST_FOUND = 200  # Whoever has not found it among so many searches with better words.


def list_page(session: Session, listing: Listing, query: ListQuery) -> Page:
    """One page of the tenant's records.

    Costs one round trip, one more with the total, one more where it is a part of a text that is asked for, and one more
    where the records are so long that fewer must do.
    """
    parameters = query.parameters
    own = listing.own is not None and current().own_only
    if own:
        parameters["actor"] = current().user_id
    if query.shape.search:
        # A number is kept with its extension, and found by what stands before that.
        parameters["words"] = number_in(query.words) or query.words
        if listing.by_address:
            parameters["address"] = ascii_address(query.words)
    ids = containing.named(session, listing, query)
    if ids is not None:
        parameters["named"] = ids
    keys = {f"k{index}": value for index, value in enumerate(query.after) if value is not None}
    shape = replace(query.shape, named=ids is not None, after_null=len(keys) < len(query.after))
    [row] = session.fetch(_page(listing, shape, own), **parameters, **keys)
    if row[2]:
        [row] = session.fetch(_short_page(listing, shape, own), **parameters, **keys)
    total = None
    if query.total:
        every = Shape(None, shape.conditions, (), 0, after=False, search=shape.search, named=shape.named)
        [(total,)] = session.fetch(_count(listing, every, own), **parameters)
    keys_of_last = row[3:] if row[1] else None
    # Amounts go into a cursor as texts.
    last = keys_of_last and tuple(str(key) if isinstance(key, Decimal) else key for key in keys_of_last)
    return Page(data=row[0] or b"[]", last=last, total=total)


def lock_ids(session: Session, listing: Listing, query: ListQuery, most: int) -> list[int]:
    """Lock the records that `query` asks for, `most` of them, in the order of their ids; answers the ids."""
    parameters = query.parameters
    own = listing.own is not None and current().own_only
    if own:
        parameters["actor"] = current().user_id
    statement = _ids(listing, query.shape.conditions, own)
    return [row[0] for row in session.fetch(statement, most=most, **parameters)]


@lru_cache(maxsize=256)
def _ids(listing: Listing, conditions: tuple[tuple[str, str], ...], own: bool) -> Prepared:
    table = listing.view.table
    matching = select(table.c.id).where(*_where(listing, conditions, own)).order_by(table.c.id)
    return Prepared(matching.limit(bindparam("most", type_=BigInteger)).with_for_update(of=table))


@lru_cache(maxsize=1024)
def _page(listing: Listing, shape: Shape, own: bool = False) -> Prepared:
    """The statement of a shape: clients repeat a few shapes endlessly, and each is compiled once.

    It answers the documents, whether there are more, whether these are too long, and then what the last is sorted by.
    """
    numbered, keys = _numbered(listing, shape, own)
    limit: ColumnElement[int] = literal_column(str(shape.limit))
    # An aggregate that stands twice is made once.
    documents = func.json_agg(numbered.c.doc).filter(numbered.c.n <= limit)
    too_long = func.pg_column_size(documents) > literal_column(str(LARGEST_PAGE_BYTES))
    return Prepared(
        select(
            case((too_long, null()), else_=documents),
            func.count() > limit,
            too_long,
            *(func.max(key).filter(numbered.c.n == limit) for key in keys),
        ).select_from(numbered)
    )


@lru_cache(maxsize=1024)
def _short_page(listing: Listing, shape: Shape, own: bool) -> Prepared:
    """As `_page` for records that are long: the page ends with the one that reaches its largest size."""
    numbered, keys = _numbered(listing, shape, own, as_json=True)
    length: ColumnElement[int] = func.pg_column_size(numbered.c.doc)
    # In the order in which the rows come, which is the page's.
    so_far = func.sum(length).over(rows=(None, 0))
    measured = select(*numbered.c, length.label("length"), so_far.label("so_far")).subquery("m")
    limit: ColumnElement[int] = literal_column(str(shape.limit))
    most: ColumnElement[int] = literal_column(str(LARGEST_PAGE_BYTES))
    kept = (measured.c.n <= limit) & (measured.c.so_far - measured.c.length < most)
    last = kept & ((measured.c.n == limit) | (measured.c.so_far >= most))
    return Prepared(
        select(
            func.json_agg(measured.c.doc).filter(kept),
            func.count() > func.count().filter(kept),
            false(),
            *(func.max(measured.c[key.name]).filter(last) for key in keys),
        ).select_from(measured)
    )


def _numbered(
    listing: Listing, shape: Shape, own: bool, *, as_json: bool = False
) -> tuple[FromClause, list[ColumnElement[Any]]]:
    """The documents of a page and one more with their numbers in its order, and the columns that it is sorted by."""
    keys = listing.keys(shape)
    rows = _rows(listing, shape, own)
    # A rank, and what is sorted by unseen, stand beside the record's own columns and must not get into its document.
    apart = shape.search or _unshown(listing, keys)
    names = shape.fields or (listing.fields if apart else None)
    if names is None:
        record: ColumnElement[Any] = literal_column("d")
        shown = func.row_to_json(record) if as_json else record
    else:
        pairs: Any = ((literal_column(f"'{name}'"), rows.c[name]) for name in names)
        shown = func.json_build_object(*(part for pair in pairs for part in pair))
    numbered = select(
        shown.label("doc"),
        func.row_number().over().label("n"),
        *(_key(dict(rows.c), name).label(f"key{index}") for index, (name, _) in enumerate(keys)),
    ).subquery("p")
    return numbered, [numbered.c[f"key{index}"] for index in range(len(keys))]


def _rows(listing: Listing, shape: Shape, own: bool) -> FromClause:
    """The records of a page and one more, in their order.

    What no index has in order is put together from parts that one has: the page of each column that may name the actor,
    and those that have nothing in the first field of the sort, who come last.
    """
    keys = listing.keys(shape)
    most: ColumnElement[Any] = literal_column(str(shape.limit + 1))
    if any(operator == "contains" for _, operator in shape.conditions) and not shape.named:
        # Hidden from the planner: where most tenants are small it takes the largest for small as well, and with a limit
        # in sight would rather read and sort all of it than read it in order until the page is full.
        most = select(most).scalar_subquery()
    halved = own and bool(listing.own_columns) and not shape.search and not shape.named
    # Where no index has them in order, many are sorted: by their keys alone, and the page is read as a whole.
    lean = halved and keys[0][0] != "created_at"
    columns = _columns(listing, shape, plain=lean or shape.named)
    where = _of_shape(listing, shape, own=own and not halved)
    sorts = [(listing.sorted_by(name, columns[name]), descending) for name, descending in keys]
    parts = _valued(listing, shape, where, sorts)
    if halved:
        mine = [of_actor(listing.view.table, (name,)) for name in listing.own_columns]
        # A null is not the actor; plain NOT would make it unknown.
        halves = [[this, *(other.is_not(True) for other in mine[:index])] for index, this in enumerate(mine)]
        parts = [[*part, *half] for part in parts for half in halves]
    # What is found comes in the order of its ranks.
    order = [_found(listing).c.ordinality] if shape.search else _order(listing, columns, keys)
    if lean:
        named = [columns[name].label(name) for name, _ in keys]
        pages = [select(columns["id"].label("place"), *named).where(*part).order_by(*order) for part in parts]
        places = select(_together(listing, pages, keys, most).subquery("f").c.place)
        named_rows = columns["id"] == any_(func.array(places.scalar_subquery()))
        page = _documents(listing, keys, _of_tenant(listing), named_rows)
        return page.order_by(columns[keys[0][0]].is_(None), *order).limit(most).subquery("d")
    pages = [_documents(listing, keys, *part).order_by(*order) for part in parts]
    if shape.search:
        [page] = pages
        pages = [page.add_columns(columns["rank"]).where(listing.view.table.c.id == columns["id"])]
    return _together(listing, pages, keys, most).subquery("d")


def _documents(listing: Listing, keys: Sequence[tuple[str, bool]], *where: ColumnElement[bool]) -> Select[Any]:
    """The records as the view shows them, and beside that what they are sorted by unseen."""
    unshown = [listing.view.table.c[name].label(f"{_UNSHOWN}{name}") for name in _unshown(listing, keys)]
    return listing.view.documents(*where).add_columns(*unshown)


def _unshown(listing: Listing, keys: Sequence[tuple[str, bool]]) -> list[str]:
    """What is sorted by and not shown as it is: amounts are shown as texts, which are in another order."""
    table, shown = listing.view.table.c, listing.view.columns
    return [name for name, _ in keys if name in table and shown.get(name) is not table[name]]


def _key(columns: Mapping[str, ColumnElement[Any]], name: str) -> ColumnElement[Any]:
    """The column of a page that it is sorted by."""
    unshown = f"{_UNSHOWN}{name}"
    return columns[unshown if unshown in columns else name]


def _together(
    listing: Listing, parts: Sequence[Select[Any]], keys: Sequence[tuple[str, bool]], most: ColumnElement[Any]
) -> Select[Any]:
    """The first `most` of all parts in the order of the list, in which each of them is."""
    pages = [part.limit(most) for part in parts]
    if len(pages) == 1:
        return pages[0].correlate(None)
    rows = union_all(*(page.correlate(None).subquery().select() for page in pages)).subquery("u")
    columns = dict(rows.c)
    return select(*rows.c).order_by(_key(columns, keys[0][0]).is_(None), *_order(listing, columns, keys)).limit(most)


def _order(
    listing: Listing, columns: Mapping[str, ColumnElement[Any]], keys: Sequence[tuple[str, bool]]
) -> list[ColumnElement[Any]]:
    sorts = [(listing.sorted_by(name, _key(columns, name)), descending) for name, descending in keys]
    return [column.desc() if descending else column.asc() for column, descending in sorts]


def _columns(listing: Listing, shape: Shape, *, plain: bool) -> dict[str, ColumnElement[Any]]:
    """What is sorted by, by name: unless `plain`, the columns of labels where their index is in the list's order."""
    columns: dict[str, ColumnElement[Any]] = {column.name: column for column in listing.view.table.c}
    if shape.search:
        columns |= {"rank": _found(listing).c.rank, "id": _found(listing).c.id}
    labelled = [index for index, (name, _) in enumerate(shape.conditions) if name in listing.labels]
    if labelled and not plain and [name for name, _ in listing.keys(shape)] == ["created_at", "id"]:
        labels = listing.labels[shape.conditions[labelled[0]][0]]
        label = _label(labels, labelled[0])
        columns |= {"created_at": label.c.created_at, "id": label.c[labels.record]}
    return columns


def _valued(
    listing: Listing, shape: Shape, where: list[ColumnElement[bool]], keys: list[tuple[ColumnElement[Any], bool]]
) -> list[list[ColumnElement[bool]]]:
    """The conditions of those that have something in the first field of the sort, and of those that have nothing."""
    beyond = [_beyond(keys)] if shape.after else []
    if shape.search or not listing.may_lack(shape.sort[0][0]):
        return [[*where, *beyond]]
    (first, _), *others = keys
    without = [*where, first.is_(None)]
    if shape.after_null:
        return [[*without, _beyond(others, from_key=1)]]
    return [[*where, first.is_not(None), *beyond], without]


@lru_cache(maxsize=256)
def _count(listing: Listing, shape: Shape, own: bool = False) -> Prepared:
    where = _of_shape(listing, shape, own=own)
    if shape.search:
        where.append(listing.view.table.c.id.in_(select(_found(listing).c.id)))
    return Prepared(select(func.count()).select_from(listing.view.table).where(*where))


def _of_shape(listing: Listing, shape: Shape, *, own: bool) -> list[ColumnElement[bool]]:
    """What holds for the records that a shape asks for, on whatever page."""
    where = _where(listing, shape.conditions, own, looked_up=shape.search or shape.named)
    if shape.named:
        where.append(listing.view.table.c.id == any_(bindparam("named", type_=ARRAY(BigInteger))))
    return where


@lru_cache(maxsize=16)
def _found(listing: Listing) -> Any:
    """What the list's function finds for the parameters `words` and `address`, as a table of id, rank and ordinality.

    Best first: who reads it by the ordinality need not sort it, and looks up no more records than the page has.
    """
    asked = [bindparam("words", type_=Text), literal_column(str(MOST_FOUND))]
    if listing.by_address:
        asked.append(bindparam("address", type_=Text))
    function = getattr(func, listing.search)(*asked)
    columns = column("id", BigInteger), column("rank", REAL)
    return function.table_valued(*columns, with_ordinality="ordinality", name="found")


@lru_cache(maxsize=256)
def _label(labels: Labels, index: int) -> FromClause:
    """The table of labels, once for each condition."""
    return labels.table.alias(f"label{index}")


def where(listing: Listing, conditions: tuple[tuple[str, str], ...], *, own: bool) -> list[ColumnElement[bool]]:
    """What holds for the records of a list with these conditions, for statements that add them up.

    With `own` its parameter `actor` is there as well; the values are `ListQuery.parameters`.
    """
    return _where(listing, conditions, own)


def _where(
    listing: Listing, conditions: tuple[tuple[str, str], ...], own: bool, *, looked_up: bool = False
) -> list[ColumnElement[bool]]:
    """That a record is the tenant's and what is asked, and what holds unless the conditions say otherwise."""
    given = {name for name, _ in conditions}
    defaults = [default for name, default in listing.default.items() if name not in given]
    where = [_of_tenant(listing), *defaults]
    if own and listing.own is not None:
        # Where it is known which to look up, an index would read all that is own instead; none serves this form.
        where.append(listing.own.is_(True) if looked_up else listing.own)
    for index, (name, operator) in enumerate(conditions):
        if name in listing.labels:
            where += _labelled(listing, listing.labels[name], index)
        elif operator.startswith(OF_WORD):
            where.append(listing.words[name][operator.removeprefix(OF_WORD)].condition)
        else:
            where.append(condition(listing.compared(name, operator), operator, f"v{index}"))
    return where


def _of_tenant(listing: Listing) -> ColumnElement[bool]:
    return of_tenant(listing.view.table)


def _labelled(listing: Listing, labels: Labels, index: int) -> list[ColumnElement[bool]]:
    """That a record has the label that is the condition's value."""
    label = _label(labels, index)
    return [
        of_tenant(label),
        label.c[labels.word] == bindparam(f"v{index}", type_=label.c[labels.word].type),
        label.c[labels.record] == listing.view.table.c.id,
    ]


def _beyond(keys: list[tuple[ColumnElement[Any], bool]], *, from_key: int = 0) -> ColumnElement[bool]:
    """The rows after the keys k0, k1, … (from `from_key` on) in the sort order.

    A row comparison where the directions agree (an index can serve it), the expanded form where they are mixed.
    """
    # The cast is for REAL: a driver sends floats in double precision, in which no rank but 0.5 and its like is equal.
    bound = [
        cast(bound, column.type) if isinstance(column.type, REAL) else bound
        for index, (column, _) in enumerate(keys, from_key)
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
