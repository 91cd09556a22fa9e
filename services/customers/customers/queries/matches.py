"""Which customers the rows of an import are about, and what stands in the way of new ones; one question for many."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    String,
    Text,
    any_,
    bindparam,
    column,
    literal_column,
    select,
    true,
    union,
)

from chassis.context import current
from chassis.db.bulk import json_rows
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.models import customers
from customers.queries.customers import OWN
from customers.rules.duplicates import MOST_SHARING

# The column that holds what a row's customer is found by.
COLUMN_OF = {
    "id": "id",
    "customer_code": "customer_code",
    "email": "email_norm",
    "name": "name_norm",
    "name_two": "name_two",
    "domain": "domain_norm",
}
# What is one customer's own, and tells of an archived one as well.
_OWN_KEYS = ("id", "customer_code")
_OF_COMPANY = of_tenant(customers)

_CODES = Prepared(
    select(customers.c.customer_code).where(
        _OF_COMPANY, customers.c.customer_code == any_(bindparam("codes", type_=ARRAY(String)))
    )
)
_TODAY = Prepared(
    select(customers.c.id, customers.c.archived_at.is_not(None), customers.c.merged_into).where(
        _OF_COMPANY, customers.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    )
)
_given = json_rows("v", column("name", customers.c.name.type), column("company_name", customers.c.company_name.type))
_NAMES = Prepared(
    select(customers.c.name, customers.c.company_name, customers.c.id).join_from(
        _given,
        customers,
        (customers.c.name == _given.c.name)
        & (customers.c.company_name == _given.c.company_name)
        & customers.c.archived_at.is_(None)
        & _OF_COMPANY,
    )
)
# Which rows share a key with a customer, a few customers for each: more than that say nothing.
_SHARED = ("email_norm", "phone_e164", "phone_tail", "domain_norm", "name_norm", "name_two")
# Beside the key of the name as one of the other kind has it, whether the row's is a firm.
_keyed = json_rows(
    "v", column("line", BigInteger), *(column(name, Text) for name in (*_SHARED, "name_other")), column("firm", Boolean)
)


def _sharing(name: str, stored: str) -> Any:
    hits = (
        select(customers.c.id)
        .where(
            _OF_COMPANY,
            customers.c[stored] == _keyed.c[name],
            customers.c.archived_at.is_(None) | customers.c.merged_into.is_not(None),
            (customers.c.customer_type == "business") != _keyed.c.firm if name == "name_other" else true(),
        )
        .limit(literal_column(str(MOST_SHARING + 1)))
        .lateral()
    )
    key = "name_norm" if name.startswith("name_") else name
    return select(_keyed.c.line, literal_column(f"'{key}'").label("key"), hits.c.id).join_from(_keyed, hits, true())


_OF_NAMES = ("name_norm", "name_two")
_ALIKE = Prepared(
    union(
        *(_sharing(name, name) for name in _SHARED if name not in _OF_NAMES),
        *(_sharing(name, stored) for name in _OF_NAMES for stored in _OF_NAMES),
        _sharing("name_other", "name_norm"),
    )
)

_DESCRIBED = Prepared(
    select(customers.c.id, customers.c.customer_code, customers.c.domain_norm).where(
        _OF_COMPANY, customers.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
    )
)


def describe(session: Session, ids: Collection[int]) -> list[tuple[int, str | None, str | None]]:
    """The code and the domain of each of these customers."""
    return [(row[0], row[1], row[2]) for row in session.fetch(_DESCRIBED, ids=list(ids))] if ids else []


def find_sharing(session: Session, rows: Sequence[dict[str, Any]]) -> dict[int, dict[int, set[str]]]:
    """By line the customers that share keys with a row, and which keys; one question for many rows."""
    found: dict[int, dict[int, set[str]]] = {}
    if rows:
        for line, key, known in session.fetch(_ALIKE, rows=orjson.dumps(rows).decode()):
            found.setdefault(line, {}).setdefault(known, set()).add(key)
    return found


def find_matches(session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
    """The customers with each of these keys, each with whether it is archived; only by id and code one that is.

    What one that was merged had, but for its id, finds the customer that it was merged into.
    """
    own = current().own_only
    parameters = {"actor": current().user_id} if own else {}
    found: dict[Any, list[tuple[int, bool]]] = {}
    if keys:
        rows = session.fetch(_matches(match_by, own), keys=list(keys), **parameters)
        survivors = _survivors(session, {row[3] for row in rows} - {None}) if match_by != "id" else {}
        for key, known, archived, into in rows:
            hit = survivors.get(into, (known, archived))
            hits = found.setdefault(key, [])
            if hit not in hits and (match_by in _OWN_KEYS or not hit[1]):
                hits.append(hit)
    return found


def _survivors(session: Session, ids: Collection[int]) -> dict[int, tuple[int, bool]]:
    """Who each of these customers, or whoever it was merged into since, is today, and whether that one is archived."""
    known: dict[int, tuple[bool, int | None]] = {}
    asked = set(ids)
    while asked:
        rows = session.fetch(_TODAY, ids=list(asked))
        known |= {row[0]: (row[1], row[2]) for row in rows}
        asked = {row[2] for row in rows if row[2] is not None} - known.keys()
    found = {}
    for one in ids:
        last = one
        while (into := known[last][1]) is not None:
            last = into
        found[one] = (last, known[last][0])
    return found


@lru_cache(maxsize=12)
def _matches(match_by: str, own: bool) -> Prepared:
    key = customers.c[COLUMN_OF[match_by]]
    archived = customers.c.archived_at.is_not(None)
    statement = select(key, customers.c.id, archived, customers.c.merged_into).where(
        _OF_COMPANY, key == any_(bindparam("keys", type_=ARRAY(key.type)))
    )
    if match_by not in _OWN_KEYS:
        statement = statement.where(customers.c.archived_at.is_(None) | customers.c.merged_into.is_not(None))
    return Prepared(statement.where(OWN) if own else statement)


def taken_codes(session: Session, codes: Collection[str]) -> set[str]:
    """Those of the codes that a customer has."""
    rows = session.fetch(_CODES, codes=list(codes)) if codes else []
    return {row[0] for row in rows}


def taken_names(session: Session, names: Sequence[dict[str, str]]) -> dict[tuple[str, str], int]:
    """The customer that has each of these names at its company already."""
    rows = session.fetch(_NAMES, rows=orjson.dumps(names).decode()) if names else []
    return {(row[0], row[1]): row[2] for row in rows}
