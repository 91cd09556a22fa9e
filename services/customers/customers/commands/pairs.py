"""Keeping the pairs of customers that are probably the same, and dismissing one."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Integer,
    Interval,
    any_,
    bindparam,
    column,
    delete,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import current
from chassis.db.bulk import json_rows
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, of_tenant
from customers.models import USERS, customers
from customers.models import customer_comparisons as comparisons
from customers.models import customer_duplicates as pairs
from customers.queries.duplicates import find_duplicates
from customers.queries.matches import find_sharing
from customers.queries.pairs import RECORDS
from customers.rules.duplicates import DEFAULT
from customers.rules.keys import other_names
from customers.views import CUSTOMER_DUPLICATE

BATCH = 100
# No transaction takes as long: whoever has an earlier time of change has been committed by then.
SETTLED = timedelta(seconds=30)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_KEYS = (
    *("name", "customer_type", "phone"),
    *("email_norm", "phone_e164", "phone_tail", "name_norm", "name_two", "domain_norm"),
)

_COMPANIES = Prepared(
    select(column("company_id", BigInteger)).select_from(
        func.companies_to_compare(bindparam("settled", type_=Interval), bindparam("most", type_=Integer)).table_valued(
            "company_id"
        )
    )
)
_SEEN = Prepared(select(comparisons.c.seen_at, comparisons.c.seen_id).where(of_tenant(comparisons)))
_CHANGED = Prepared(
    select(customers.c.id, customers.c.updated_at, customers.c.archived_at, *(customers.c[name] for name in _KEYS))
    .where(
        of_tenant(customers),
        tuple_(customers.c.updated_at, customers.c.id)
        > tuple_(bindparam("seen_at", type_=DateTime(timezone=True)), bindparam("seen_id", type_=BigInteger)),
        customers.c.updated_at < func.now() - bindparam("settled", type_=Interval),
    )
    .order_by(customers.c.updated_at, customers.c.id)
    .limit(BATCH)
)
_found = json_rows("v", *(column(name, pairs.c[name].type) for name in ("customer_id", "other_id", "score", "reasons")))
_of_batch = (pairs.c[name] == any_(bindparam("ids", type_=ARRAY(BigInteger))) for name in ("customer_id", "other_id"))
_FORGET = Prepared(
    delete(pairs).where(
        of_tenant(pairs),
        pairs.c.dismissed_at.is_(None),
        or_(*_of_batch),
        ~select(_found.c.customer_id)
        .where(_found.c.customer_id == pairs.c.customer_id, _found.c.other_id == pairs.c.other_id)
        .exists(),
    )
)
_insert = upsert(pairs).from_select(
    ["company_id", "customer_id", "other_id", "score", "reasons"],
    select(TENANT, _found.c.customer_id, _found.c.other_id, _found.c.score, _found.c.reasons),
)
_KEEP = Prepared(
    _insert.on_conflict_do_update(
        index_elements=["company_id", "customer_id", "other_id"],
        set_={
            "score": _insert.excluded.score,
            "reasons": _insert.excluded.reasons,
            "version": pairs.c.version + 1,
            "updated_at": func.now(),
        },
        where=pairs.c.dismissed_at.is_(None)
        & (
            pairs.c.score.is_distinct_from(_insert.excluded.score)
            | pairs.c.reasons.is_distinct_from(_insert.excluded.reasons)
        ),
    )
)
_progress = upsert(comparisons).values(
    company_id=TENANT,
    seen_at=bindparam("seen_at", type_=DateTime(timezone=True)),
    seen_id=bindparam("seen_id", type_=BigInteger),
)
_PROGRESS = Prepared(
    _progress.on_conflict_do_update(
        index_elements=["company_id"], set_={name: _progress.excluded[name] for name in ("seen_at", "seen_id")}
    )
)
_change = (
    update(pairs)
    .where(of_tenant(pairs), pairs.c.id == bindparam("of_id", type_=BigInteger))
    .values(version=pairs.c.version + 1, updated_at=func.now())
)
_DISMISS = Prepared(
    CUSTOMER_DUPLICATE.returning(
        _change.values(dismissed_at=func.now(), dismissed_by=bindparam("actor", type_=BigInteger))
    )
)
_REOPEN = Prepared(CUSTOMER_DUPLICATE.returning(_change.values(dismissed_at=None, dismissed_by=None)))
_REPEAT = Prepared(delete(comparisons).where(of_tenant(comparisons)))


def companies_to_compare(session: Session, settled: timedelta = SETTLED, most: int = 100) -> list[int]:
    """The companies of which customers have changed since the job last saw them."""
    return [row[0] for row in session.fetch(_COMPANIES, settled=settled, most=most)]


def compare_customers(session: Session, settled: timedelta = SETTLED) -> bool:
    """Find whom the next customers that have changed are probably the same as; False when there are no more.

    What is found is committed with how far that is, so it can stop after any step and go on from there.
    """
    seen_at, seen_id = session.fetch_one(_SEEN) or (_BEGINNING, 0)
    rows = session.fetch(_CHANGED, seen_at=seen_at, seen_id=seen_id, settled=settled)
    if not rows:
        return False
    live = {row[0]: dict(zip(_KEYS, row[3:], strict=True)) for row in rows if row[2] is None}
    found: dict[tuple[int, int], dict[str, Any]] = {}
    # Most have nothing in common with anybody, which one question tells of all of them.
    for customer_id, others in find_sharing(session, [_told(*each) for each in live.items()]).items():
        if others.keys() - {customer_id}:
            found |= _pairs_of(session, customer_id, live[customer_id])
    given = orjson.dumps(list(found.values())).decode()
    session.run(_FORGET, ids=[row[0] for row in rows], rows=given)
    if found:
        session.run(_KEEP, rows=given)
    session.run(_PROGRESS, seen_at=rows[-1][1], seen_id=rows[-1][0])
    return len(rows) == BATCH


def _told(customer_id: int, keys: Mapping[str, str | None]) -> dict[str, Any]:
    """What a customer may share with others, by any company's rules."""
    told = DEFAULT.telling(keys)
    return {"line": customer_id, **told, **(other_names(keys) if "name_norm" in told else {})}


def _pairs_of(
    session: Session, customer_id: int, keys: Mapping[str, str | None]
) -> dict[tuple[int, int], dict[str, Any]]:
    candidates = find_duplicates(session, keys, but=(customer_id,))["candidates"]
    pairs_found = {}
    for candidate in candidates:
        first, second = sorted((customer_id, candidate["customer"]["id"]))
        row = {"customer_id": first, "other_id": second, "score": candidate["score"], "reasons": candidate["reasons"]}
        pairs_found[(first, second)] = row
    return pairs_found


def compare_all_again(session: Session) -> None:
    """Let the job begin anew with the tenant's customers."""
    session.run(_REPEAT)


def dismiss_pair(session: Session, pair_id: int) -> Record:
    """Note that these two are not the same, for good; a pair that was dismissed stays as it is. Raises NotFound."""
    pair = RECORDS.get(session, pair_id, lock=True)
    if pair.document["dismissed_at"] is not None:
        return pair
    USERS.ensure_actor(session)
    return Record(*session.fetch(_DISMISS, of_id=pair_id, actor=current().user_id)[0])


def reopen_pair(session: Session, pair_id: int) -> Record:
    """Take a pair that was dismissed back among those that are told of. Raises NotFound."""
    pair = RECORDS.get(session, pair_id, lock=True)
    if pair.document["dismissed_at"] is None:
        return pair
    return Record(*session.fetch(_REOPEN, of_id=pair_id)[0])
