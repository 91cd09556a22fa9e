"""Changing all customers that a filter finds, or none."""

from collections.abc import Iterable
from typing import Any

from chassis.db.bulk import lock_many
from chassis.db.listing import ListQuery, Shape
from chassis.db.pages import lock_ids
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import FieldError, Invalid
from customers.commands.customers import change_customer
from customers.queries.customers import CUSTOMERS, RECORDS

MOST_CHANGED = 2000


def lock_matching(session: Session, query: ListQuery) -> list[Record]:
    """The customers that `query` finds, locked, in the order of their ids. Raises Invalid."""
    ids = lock_ids(session, CUSTOMERS, query, MOST_CHANGED + 1)
    if len(ids) > MOST_CHANGED:
        detail = f"The filter finds more than {MOST_CHANGED} customers; narrow it."
        raise Invalid("too_many_records", detail, (FieldError("/filter", "too_many_records", detail),))
    return list(lock_many(session, RECORDS, ids).values())


def lock_named(session: Session, ids: Iterable[int]) -> None:
    """Lock those of these customers that the actor may see and that are live, in the order of their ids.

    Two who change the same ones in orders of their own then wait for each other, and not in a circle.
    """
    wanted = sorted(set(ids))
    if wanted:
        shape = Shape(None, (("id", "in"),), CUSTOMERS.default_sort, len(wanted), after=False)
        lock_ids(session, CUSTOMERS, ListQuery(shape, (wanted,)), len(wanted))


def change_all(session: Session, records: Iterable[Record], values: dict[str, Any]) -> int:
    """Change the given fields of these locked customers, each with its event; answers how many had other values.

    Raises what `change_customer` raises.
    """
    return sum(change_customer(session, record, values).version != record.version for record in records)
