"""Which customers a record is probably the same as."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Text, bindparam, func, literal_column, select, true, union

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.models import COMPANY, customers
from customers.rules.duplicates import DEFAULT, KEYS, MOST_SHARING, Rules, judged
from customers.rules.keys import is_firm, key_of_other_kind
from people.phones import Phone, extension_of

_OF_COMPANY = of_tenant(customers)
_LIVE_OR_MERGED = customers.c.archived_at.is_(None) | customers.c.merged_into.is_not(None)


def _sharing(key: str, column: str, parameter: str, also: ColumnElement[bool] | None = None) -> Any:
    """The ids of the customers with this value of the key, one more than it may mean something for.

    Of the live ones and of those that were merged: what these had goes on to find who they were merged into.
    """
    return (
        select(customers.c.id, literal_column(f"'{key}'").label("key"))
        .where(
            _OF_COMPANY,
            customers.c[column] == bindparam(parameter, type_=Text),
            _LIVE_OR_MERGED,
            true() if also is None else also,
        )
        .limit(literal_column(str(MOST_SHARING + 1)))
        .subquery()
        .select()
    )


# A name has one key or two: two names are the same that share one.
_OF_NAMES = ("name_norm", "name_two")
_hits = union(
    *(_sharing(key, key, key) for key in KEYS if key != "name_norm"),
    *(_sharing("name_norm", column, parameter) for column in _OF_NAMES for parameter in _OF_NAMES),
    _sharing(
        "name_norm",
        "name_norm",
        "name_other",
        (customers.c.customer_type == "business") != bindparam("firm", type_=Boolean),
    ),
).subquery("hits")
_kept = select(_hits.c.id, _hits.c.key, func.count().over(partition_by=_hits.c.key).label("sharing")).subquery("kept")
_SHOWN = ("id", "customer_code", "name", "company_name", "email", "phone", "assigned_to", "created_by")
_OF_PHONES = ("phone_e164", "phone_tail")
_READ = (*_SHOWN, *_OF_PHONES, "merged_into")
_settings = select(COMPANY.table.c.settings).where(of_tenant(COMPANY.table))
_CANDIDATES = Prepared(
    select(_settings.scalar_subquery(), func.array_agg(_kept.c.key), *(customers.c[name] for name in _READ))
    .join_from(_kept, customers, customers.c.id == _kept.c.id)
    .where(_OF_COMPANY, _kept.c.sharing <= literal_column(str(MOST_SHARING)))
    .group_by(*(customers.c[name] for name in _READ))
)


_BY_ID = Prepared(
    select(*(customers.c[name] for name in _SHOWN), customers.c.archived_at, customers.c.merged_into).where(
        _OF_COMPANY, customers.c.id == bindparam("of_id", type_=BigInteger)
    )
)


def find_duplicates(session: Session, keys: Mapping[str, str | None], *, but: Collection[int] = ()) -> dict[str, Any]:
    """The likely duplicates of a record with these keys, name and type, the likeliest first, with score and reasons.

    Those that the caller may not see are counted as `hidden` and not shown. Costs one round trip: the company's rules
    come with what they are to judge, and what is looked for is all that any company's rules could go by.
    """
    widest = DEFAULT.telling(keys)
    if not widest:
        return {"candidates": [], "hidden": 0}
    names: dict[str, Any] = dict.fromkeys(("name_two", "name_other"))
    if "name_norm" in widest:
        names = {"name_two": keys.get("name_two"), "name_other": key_of_other_kind(keys)}
    firm = is_firm(keys.get("customer_type"))
    rows = session.fetch(_CANDIDATES, **dict.fromkeys(KEYS) | widest, **names, firm=firm)
    rules = Rules.of(rows[0][0]) if rows else DEFAULT
    told = rules.telling(keys)
    found: dict[int, tuple[dict[str, Any], set[str]]] = {}
    for _, shared, *values in rows:
        customer = dict(zip(_READ, values, strict=True))
        if customer["id"] in but:
            continue
        known = judged({key for key in shared if key in told}, _phone(keys), _phone(customer))
        if customer["merged_into"] is not None:
            survivor = _find_survivor(session, customer["merged_into"])
            if survivor is None:
                continue
            customer = survivor
        found.setdefault(customer["id"], (customer, set()))[1].update(known)
    candidates: list[dict[str, Any]] = []
    hidden = 0
    for customer, known in found.values():
        alike = rules.likeness(known)
        if alike.score < rules.threshold or customer["id"] in but:
            continue
        if current().own_only and current().user_id not in (customer["assigned_to"], customer["created_by"]):
            hidden += 1
        else:
            shown = {name: customer[name] for name in _SHOWN if name not in ("assigned_to", "created_by")}
            candidates.append({"customer": shown, "score": alike.score, "reasons": alike.reasons})
    candidates.sort(key=lambda candidate: (-candidate["score"], candidate["customer"]["id"]))
    return {"candidates": candidates, "hidden": hidden}


def _find_survivor(session: Session, customer_id: int) -> dict[str, Any] | None:
    """The live customer that another was merged into, however often that was merged itself; for who may not see it too.

    Few are found by what was merged, so each costs a question of its own.
    """
    row = session.fetch_one(_BY_ID, of_id=customer_id)
    while row is not None and row[-1] is not None:
        row = session.fetch_one(_BY_ID, of_id=row[-1])
    return None if row is None or row[-2] is not None else dict(zip(_SHOWN, row[: len(_SHOWN)], strict=True))


def _phone(values: Mapping[str, Any]) -> Phone:
    """What is known of a record's number: its keys, and its extension."""
    return Phone(
        values.get("phone_e164"), values.get("phone_tail"), extension_of(values.get("phone"), values.get("phone_e164"))
    )
