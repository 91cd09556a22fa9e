"""Facets: how many customers there are of each kind."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, bindparam, cast, func, select

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.models import customer_tags, customers
from customers.queries.customers import OWN

COUNTED = ("status", "customer_type", "industry", "source", "priority", "assigned_to")
MOST_VALUES = 100
# What GROUPING() answers for the groups of each column: the bits of all others, of which the leftmost is the highest.
_COLUMN_OF = {2 ** len(COUNTED) - 1 - 2**place: name for place, name in enumerate(reversed(COUNTED))}

_OF_COMPANY = of_tenant(customers)


def _live(own: bool) -> list[ColumnElement[bool]]:
    return [_OF_COMPANY, customers.c.archived_at.is_(None), *([OWN] if own else [])]


def _facets(own: bool) -> Prepared:
    """One pass over the live customers counts all columns at once (GROUPING SETS)."""
    return Prepared(
        select(
            func.grouping(*(customers.c[name] for name in COUNTED)),
            *(cast(customers.c[name], Text) for name in COUNTED),
            func.count(),
        )
        .where(*_live(own))
        .group_by(func.grouping_sets(*(customers.c[name] for name in COUNTED)))
    )


def _tags(own: bool) -> Prepared:
    of_tag = (customers.c.company_id == customer_tags.c.company_id) & (customers.c.id == customer_tags.c.customer_id)
    return Prepared(
        select(customer_tags.c.tag, func.count().label("customers"))
        .join_from(customer_tags, customers, of_tag)
        .where(of_tenant(customer_tags), *_live(own))
        .group_by(customer_tags.c.tag)
        .order_by(func.count().desc(), customer_tags.c.tag)
        .limit(bindparam("most", type_=BigInteger))
    )


# By whether the caller sees no more than their own.
_FACETS = {own: _facets(own) for own in (False, True)}
_TAGS = {own: _tags(own) for own in (False, True)}


def count_tags(session: Session, most: int) -> list[dict[str, Any]]:
    """The tags of the live customers that the caller sees, with their counts, the commonest first."""
    return [
        {"tag": tag, "count": count} for tag, count in session.fetch(_TAGS[current().own_only], most=most, **_actor())
    ]


def count_facets(session: Session) -> dict[str, list[dict[str, Any]]]:
    """For each counted column its values with their counts, the commonest first; null is a value too."""
    facets: dict[str, list[dict[str, Any]]] = {name: [] for name in COUNTED}
    for grouping, *values, count in session.fetch(_FACETS[current().own_only], **_actor()):
        name = _COLUMN_OF[grouping]
        value = values[COUNTED.index(name)]
        if name == "assigned_to" and value is not None:
            value = int(value)
        facets[name].append({"value": value, "count": count})
    for values_of in facets.values():
        values_of.sort(key=lambda entry: (-entry["count"], str(entry["value"])))
        del values_of[MOST_VALUES:]
    facets["tag"] = [{"value": row["tag"], "count": row["count"]} for row in count_tags(session, MOST_VALUES)]
    return facets


def _actor() -> dict[str, Any]:
    return {"actor": current().user_id} if current().own_only else {}
