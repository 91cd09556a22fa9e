"""Lists by a part of a text, which no index serves below row-level security: two ways to a page of those who have it.

Where many have the part, a page of them is soon filled by looking through the list in its order, however large the
tenant is. Where few have it, a function of the service says where these lie, and they alone are read and sorted. Which
of the two it is, the statement finds out by itself, from the next few of the list.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
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
    def is_one(self) -> ColumnElement[bool]:
        """That a record is one of `places`; safe, as a statement sees nothing move."""
        return place_of(self.listing) == any_(cast(self.places, ARRAY(_Tid())))

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


def in_order(listing: Listing, shape: Shape) -> bool:
    """Whether an index has the list in the order that is asked for, whatever else is."""
    [(first, _), *others] = shape.sort
    asked = {name for name, _ in shape.conditions}
    return not others and not listing.may_lack(first) and asked.isdisjoint({*listing.default, *listing.labels})


def all_named(listing: Listing) -> Among:
    """All that the list's function names."""
    return Among(listing, _places(listing))


def ahead(
    listing: Listing,
    shape: Shape,
    *,
    where: Sequence[ColumnElement[bool]],
    has: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
) -> Among:
    """The next of the list (`where`, in `order`) who have all that is asked (`has`), or all that may have the part.

    What is asked is looked at after the bound and not before, so that the bound is one on what is read.
    """
    most = shape.limit + 1
    listed = select(place_of(listing).label("place"), and_(true(), *has).label("has")).where(*where).order_by(*order)
    sample = listed.limit(_unseen(_number(SAMPLE))).subquery("sample")
    # Of the place and not of all, or the planner might read and sort an index that covers what is asked.
    having = func.count(sample.c.place).filter(sample.c.has)
    promising = having >= _number(math.ceil(most * SAMPLE / MOST_AHEAD))
    next_ = listed.limit(_unseen(case((promising, _number(MOST_AHEAD)), else_=_number(0)))).subquery("next")
    found = select(next_.c.place).where(next_.c.has).limit(_number(most)).cte("ahead")
    counted = select((func.count() >= _number(most)).label("full")).select_from(found).cte("counted")
    full = select(counted.c.full).scalar_subquery()
    return Among(listing, _places(listing, unless=full), found, full)


def _places(listing: Listing, unless: ColumnElement[bool] | None = None) -> ColumnElement[Any]:
    asked = getattr(func, listing.containing)(bindparam("part", type_=Text), _number(MOST_AMONG))
    if unless is not None:
        asked = case((~unless, asked))
    places = select(asked.label("places")).cte("among")
    return select(places.c.places).scalar_subquery()


def _number(value: int) -> ColumnElement[int]:
    """Written into the statement, as no request decides it."""
    return literal_column(str(value), Integer)


def _unseen(bound: ColumnElement[int]) -> ColumnElement[int]:
    """A limit that the planner does not see: it then reckons with a tenth of the list, however large it takes that for.

    Of a limit near to what it reckons an average tenant to have it might make a plan that reads and sorts them all, the
    largest tenant's too.
    """
    return select(bound).scalar_subquery()
