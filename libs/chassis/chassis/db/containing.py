"""Lists by a part of a text, which no index serves below row-level security: two ways to a page of those who have it.

Where many have the part, a page of them is soon filled by looking through the list in its order, however large the
tenant is. Where few have it, a function of the service says where these lie, and they alone are read and sorted. Which
of the two it is, the statement finds out by itself, from the next few of the list.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    bindparam,
    case,
    cast,
    column,
    func,
    literal_column,
    select,
    true,
    union_all,
)
from sqlalchemy.types import UserDefinedType

from chassis.db.listing import Listing, ListQuery, Shape

MOST_AMONG = 1000  # So many are read and sorted at most; of more, a page is found by reading on.
SAMPLE = 200  # The next of the list, that tell whether many have it.
MOST_AHEAD = 1500  # Looked through for a page, where by the sample it is full by then.
ALL = 2**62  # More than any list has.


class _Tid(UserDefinedType[str]):
    """Where a row lies: PostgreSQL's own column `ctid`."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "tid"


@dataclass(frozen=True, eq=False)
class Among:
    """Where those lie that may have the part that is asked for, once in a statement.

    `places` is all of them, or null: where there are too many, and where a page of those `ahead` is `full`.
    """

    listing: Listing
    places: ColumnElement[Any]
    ahead: FromClause | None = None
    full: ColumnElement[bool] | None = None

    @property
    def unknown(self) -> ColumnElement[bool]:
        """That neither way has led to a page."""
        return self.places.is_(None) if self.full is None else and_(self.places.is_(None), ~self.full)

    def page(self, sorted_: Select[Any]) -> Select[Any]:
        """The places of a page: those that `sorted_` has unless they were found ahead."""
        found = select(sorted_.subquery("f").c.place)
        if self.ahead is None or self.full is None:
            return found
        return select(union_all(select(self.ahead.c.place).where(self.full), found).subquery("u").c.place)


def rows_at(listing: Listing, places: ColumnElement[Any], rows: Select[Any]) -> FromClause:
    """Those of `rows` that lie at `places`; safe, as a statement sees nothing move.

    A fence (OFFSET 0) about each row has the planner compare a place with an index for one row: of all places together
    it knows nothing, and where it thinks tenants small would read all of a large one and see which lie there.
    """
    place = func.unnest(cast(places, ARRAY(_Tid()))).table_valued(column("place", _Tid()), name="place")
    fenced = rows.where(place_of(listing) == place.c.place).offset(_number(0)).lateral("at")
    return select(*fenced.c).select_from(place.join(fenced, true())).subquery("lying")


def part_of(listing: Listing, query: ListQuery) -> str | None:
    """What is looked for inside of one of the fields `contained`; what is searched is found without."""
    if query.shape.search:
        return None
    for (name, operator), value in zip(query.shape.conditions, query.values, strict=True):
        if operator == "contains" and name in listing.contained:
            return re.sub(r"\\(.)", r"\1", value[1:-1])
    return None


def place_of(listing: Listing) -> ColumnElement[Any]:
    """Where a record lies."""
    return literal_column(f"{listing.view.name}.ctid", _Tid())


def by_part_alone(listing: Listing, shape: Shape) -> bool:
    """Whether a part of a text is all that is asked for, so that no other condition has an index.

    Of lists with a function only, which says by being there that a place names one row: in a table of partitions it
    would name one in each.
    """
    return bool(listing.containing and shape.conditions) and all(name == "contains" for _, name in shape.conditions)


def in_order(listing: Listing, shape: Shape) -> bool:
    """Whether an index has the list in the order that is asked for, whatever else is."""
    [(first, _), *others] = shape.sort
    asked = {name for name, _ in shape.conditions}
    return not others and not listing.may_lack(first) and asked.isdisjoint({*listing.default, *listing.labels})


def all_named(listing: Listing) -> Among:
    """All that the list's function names."""
    return Among(listing, _places(listing))


def ahead(listing: Listing, shape: Shape, ordered: Select[Any]) -> Among:
    """Those of the next in the list (`ordered`, with `place` and `has`) who have all that is asked, or all named.

    What is asked is looked at after the bound and not before, so that of the live ones no more than that are read.
    """
    sample = ordered.limit(unseen(SAMPLE)).subquery("sample")
    # Of the place and not of all, or the planner might read and sort an index that covers what is asked.
    having = func.count(sample.c.place).filter(sample.c.has)
    promising = having >= _number(math.ceil((shape.limit + 1) * SAMPLE / MOST_AHEAD))
    further = select(case((promising, _number(MOST_AHEAD)), else_=_number(0))).scalar_subquery()
    found = walked(shape, ordered, further).cte("ahead")
    counted = select((func.count() > _number(shape.limit)).label("full")).select_from(found).cte("counted")
    full = select(counted.c.full).scalar_subquery()
    return Among(listing, _places(listing, unless=full), found, full)


def walked(shape: Shape, ordered: Select[Any], bound: ColumnElement[int]) -> Select[Any]:
    """The places of a page of those who have all that is asked, by reading the list in its order up to `bound`.

    They are in the order of what they are taken from, which a filter and a limit keep; the page is sorted again.
    """
    rows = ordered.limit(bound).subquery("next")
    return select(rows.c.place).where(rows.c.has).limit(_number(shape.limit + 1))


def _places(listing: Listing, unless: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    asked = getattr(func, listing.containing)(bindparam("part", type_=Text), _number(MOST_AMONG))
    if unless is not None:
        asked = case((~unless, asked))
    places = select(asked.label("places")).cte("among")
    return select(places.c.places).scalar_subquery()


def _number(value: int) -> ColumnElement[int]:
    """Written into the statement, as no request decides it."""
    return literal_column(str(value), BigInteger)


def unseen(limit: int) -> ColumnElement[int]:
    """A limit that the planner does not see: it then reckons with a tenth of the list, however large it takes that for.

    With a limit near to what it thinks an average tenant to have, or to have with the part, it might make a plan that
    reads and sorts all of them, the largest tenant's too.
    """
    return select(_number(limit)).scalar_subquery()
