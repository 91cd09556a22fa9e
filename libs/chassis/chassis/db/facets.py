"""Facets: how many of the records that a list shows there are of each kind, and with each of its labels."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, select

from chassis.context import current
from chassis.db.listing import Listing
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant

MOST_VALUES = 100


def count_facets(session: Session, listing: Listing, counted: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """For each column `counted`, and for each of the list's labels, the values with their counts, commonest first.

    Null is a value too. What the list leaves out by default, and what the actor may not see, is not counted.
    """
    names = tuple(counted)
    facets: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    # What GROUPING() answers for the groups of a column: the bits of all others, of which the leftmost is the highest.
    column_of = {2 ** len(names) - 1 - 2**place: name for place, name in enumerate(reversed(names))}
    own = _own(listing)
    for grouping, *values, count in session.fetch(_facets(listing, names, own), **_actor(own=own)):
        name = column_of[grouping]
        facets[name].append({"value": values[names.index(name)], "count": count})
    for values_of in facets.values():
        values_of.sort(key=lambda entry: (-entry["count"], str(entry["value"])))
        del values_of[MOST_VALUES:]
    for label in listing.labels:
        facets[label] = count_labels(session, listing, label, MOST_VALUES)
    return facets


def count_labels(session: Session, listing: Listing, label: str, most: int) -> list[dict[str, Any]]:
    """The words of a label on the records that the list shows, as value and count, the commonest first."""
    own = _own(listing)
    rows = session.fetch(_labels(listing, label, own), most=most, **_actor(own=own))
    return [{"value": word, "count": count} for word, count in rows]


def _own(listing: Listing) -> bool:
    return listing.own is not None and current().own_only


def _actor(*, own: bool) -> Mapping[str, Any]:
    return {"actor": current().user_id} if own else {}


def _shown(listing: Listing, own: bool) -> list[ColumnElement[bool]]:
    seen = [listing.own] if own and listing.own is not None else []
    return [of_tenant(listing.view.table), *listing.default.values(), *seen]


@lru_cache(maxsize=64)
def _facets(listing: Listing, names: tuple[str, ...], own: bool) -> Prepared:
    """One pass over the records counts all columns at once (GROUPING SETS)."""
    columns = [listing.view.table.c[name] for name in names]
    return Prepared(
        select(func.grouping(*columns), *(func.to_jsonb(column) for column in columns), func.count())
        .where(*_shown(listing, own))
        .group_by(func.grouping_sets(*columns))
    )


@lru_cache(maxsize=64)
def _labels(listing: Listing, label: str, own: bool) -> Prepared:
    labels, table = listing.labels[label], listing.view.table
    word = labels.table.c[labels.word]
    of_record = (table.c.company_id == labels.table.c.company_id) & (table.c.id == labels.table.c[labels.record])
    return Prepared(
        select(word, func.count().label("records"))
        .join_from(labels.table, table, of_record)
        .where(of_tenant(labels.table), *_shown(listing, own))
        .group_by(word)
        .order_by(func.count().desc(), word)
        .limit(bindparam("most", type_=BigInteger))
    )
