"""Lists by a part of a text: a function of the service names the few records that have it.

No index serves LIKE below row-level security, so the function runs as the owner of the table, with the tenant inside.
Where it names some, the list is of these alone. Where too many have the part, they are found by reading the list in its
order, and a page of them is soon full.
"""

import re
from functools import lru_cache

from sqlalchemy import Integer, Text, bindparam, func, select

from chassis.db.listing import Listing, ListQuery
from chassis.db.session import Session
from chassis.db.statements import Prepared

MOST_NAMED = 1000


def named(session: Session, listing: Listing, query: ListQuery) -> list[int] | None:
    """The ids of those who may have the part of a text that is asked for; None for none asked, or too many with it."""
    part = _part_of(listing, query)
    if part is None:
        return None
    [(ids,)] = session.fetch(_statement(listing), part=part, most=MOST_NAMED)
    return None if ids is None else list(ids)


def _part_of(listing: Listing, query: ListQuery) -> str | None:
    """What is looked for inside of one of the fields `contained`; what is searched is found without."""
    if query.shape.search:
        return None
    for (name, operator), value in zip(query.shape.conditions, query.values, strict=True):
        if operator == "contains" and name in listing.contained:
            return re.sub(r"\\(.)", r"\1", value[1:-1])
    return None


@lru_cache(maxsize=16)
def _statement(listing: Listing) -> Prepared:
    function = getattr(func, listing.containing)
    return Prepared(select(function(bindparam("part", type_=Text), bindparam("most", type_=Integer))))
