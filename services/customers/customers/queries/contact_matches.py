"""Which contacts the rows of an import are about, and at which customers people are; one question for many."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, select

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.models import contacts, customers
from customers.queries.contacts import OWN_CONTACTS

_COLUMN_OF = {"id": "id", "email": "email_norm"}
_CUSTOMERS = bindparam("ids", type_=ARRAY(BigInteger))
_COUNTS = Prepared(
    select(contacts.c.customer_id, func.count())
    .where(of_tenant(contacts), contacts.c.customer_id == any_(_CUSTOMERS), contacts.c.archived_at.is_(None))
    .group_by(contacts.c.customer_id)
)
_NAMED = Prepared(
    select(contacts.c.id, contacts.c.customer_id, contacts.c.first_name, contacts.c.last_name).where(
        of_tenant(contacts), contacts.c.customer_id == any_(_CUSTOMERS), contacts.c.archived_at.is_(None)
    )
)
_COUNTRIES = Prepared(
    select(customers.c.id, customers.c.country).where(of_tenant(customers), customers.c.id == any_(_CUSTOMERS))
)


def find_contacts(session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
    """The contacts with each of these keys, each with whether it is archived; by e-mail address, none that is."""
    own = current().own_only
    actor = {"actor": current().user_id} if own else {}
    found: dict[Any, list[tuple[int, bool]]] = {}
    for key, known, archived in session.fetch(_matches(match_by, own), keys=list(keys), **actor) if keys else ():
        found.setdefault(key, []).append((known, archived))
    return found


@lru_cache(maxsize=4)
def _matches(match_by: str, own: bool) -> Prepared:
    key = contacts.c[_COLUMN_OF[match_by]]
    statement = select(key, contacts.c.id, contacts.c.archived_at.is_not(None)).where(
        of_tenant(contacts), key == any_(bindparam("keys", type_=ARRAY(key.type)))
    )
    if match_by == "email":
        statement = statement.where(contacts.c.archived_at.is_(None))
    return Prepared(statement.where(OWN_CONTACTS) if own else statement)


def find_employers(session: Session, addresses: Collection[str]) -> dict[str, list[tuple[int, bool]]]:
    """The customers that people with each of these addresses are at, each with whether it is archived."""
    own = current().own_only
    actor = {"actor": current().user_id} if own else {}
    found: dict[str, list[tuple[int, bool]]] = {}
    for key, customer_id, archived in (
        session.fetch(_employers(own), keys=list(addresses), **actor) if addresses else ()
    ):
        found.setdefault(key, []).append((customer_id, archived))
    return found


@lru_cache(maxsize=2)
def _employers(own: bool) -> Prepared:
    key = contacts.c.email_norm
    statement = (
        select(key, customers.c.id, customers.c.archived_at.is_not(None))
        .join_from(
            contacts,
            customers,
            (customers.c.company_id == contacts.c.company_id) & (customers.c.id == contacts.c.customer_id),
        )
        .where(
            of_tenant(contacts), contacts.c.archived_at.is_(None), key == any_(bindparam("keys", type_=ARRAY(key.type)))
        )
        .distinct()
    )
    return Prepared(statement.where(OWN_CONTACTS) if own else statement)


def find_named_contacts(session: Session, customer_ids: Collection[int]) -> list[tuple[int, int, str, str | None]]:
    """The live contacts of these customers: id, customer, first name and last name."""
    rows = session.fetch(_NAMED, ids=list(customer_ids)) if customer_ids else []
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def count_contacts(session: Session, customer_ids: Collection[int]) -> dict[int, int]:
    """How many live contacts each of these customers has."""
    return dict(session.fetch(_COUNTS, ids=list(customer_ids))) if customer_ids else {}


def countries_of(session: Session, customer_ids: Collection[int]) -> dict[int, str | None]:
    """The country of each of these customers, where the numbers of their contacts are from."""
    return dict(session.fetch(_COUNTRIES, ids=list(customer_ids))) if customer_ids else {}
