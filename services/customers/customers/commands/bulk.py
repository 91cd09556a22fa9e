"""Changing all customers that a filter finds, or none."""

from collections.abc import Iterable
from typing import Any

from chassis.db.listing import ListQuery, lock_ids
from chassis.db.session import Session
from chassis.errors import FieldError, Invalid
from customers.commands.customers import change_customer
from customers.queries.customers import CUSTOMERS, get_customer

MOST_CHANGED = 2000


def lock_matching(session: Session, query: ListQuery) -> list[int]:
    """Lock the customers that `query` finds, in the order of their ids, which it answers. Raises Invalid."""
    ids = lock_ids(session, CUSTOMERS, query, MOST_CHANGED + 1)
    if len(ids) > MOST_CHANGED:
        detail = f"The filter finds more than {MOST_CHANGED} customers; narrow it."
        raise Invalid("too_many_records", detail, (FieldError("/filter", "too_many_records", detail),))
    return ids


def change_all(session: Session, ids: Iterable[int], values: dict[str, Any]) -> None:
    """Change the given fields of these customers, each with its event. Raises what `change_customer` raises."""
    for customer_id in ids:
        change_customer(session, get_customer(session, customer_id, lock=True), values)
