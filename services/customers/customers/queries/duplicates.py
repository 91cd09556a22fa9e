"""Which customers a record is probably the same as."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Text, bindparam, func, literal_column, select, union_all

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from customers.models import COMPANY, customers
from customers.rules.duplicates import DEFAULT, KEYS, MOST_SHARING, Rules

_OF_COMPANY = of_tenant(customers)


def _sharing(key: str) -> Any:
    """The ids of the live customers with this value of the key, one more than it may mean something for."""
    return (
        select(customers.c.id, literal_column(f"'{key}'").label("key"))
        .where(_OF_COMPANY, customers.c[key] == bindparam(key, type_=Text), customers.c.archived_at.is_(None))
        .limit(literal_column(str(MOST_SHARING + 1)))
        .subquery()
        .select()
    )


_hits = union_all(*(_sharing(key) for key in KEYS)).subquery("hits")
_kept = select(_hits.c.id, _hits.c.key, func.count().over(partition_by=_hits.c.key).label("sharing")).subquery("kept")
_SHOWN = ("id", "customer_code", "name", "company_name", "email", "phone", "assigned_to", "created_by")
_settings = select(COMPANY.table.c.settings).where(of_tenant(COMPANY.table))
_CANDIDATES = Prepared(
    select(_settings.scalar_subquery(), func.array_agg(_kept.c.key), *(customers.c[name] for name in _SHOWN))
    .join_from(_kept, customers, customers.c.id == _kept.c.id)
    .where(_OF_COMPANY, _kept.c.sharing <= literal_column(str(MOST_SHARING)))
    .group_by(*(customers.c[name] for name in _SHOWN))
)


def find_duplicates(session: Session, keys: Mapping[str, str | None], *, but: int | None = None) -> dict[str, Any]:
    """The likely duplicates of a record with these keys, the likeliest first, with score and reasons.

    Those that the caller may not see are counted as `hidden` and not shown. Costs one round trip: the company's rules
    come with what they are to judge, and what is looked for is all that any company's rules could go by.
    """
    widest = DEFAULT.telling(keys)
    if not widest:
        return {"candidates": [], "hidden": 0}
    rows = session.fetch(_CANDIDATES, **dict.fromkeys(KEYS) | widest)
    rules = Rules.of(rows[0][0]) if rows else DEFAULT
    told = rules.telling(keys)
    candidates: list[dict[str, Any]] = []
    hidden = 0
    for _, shared, *values in rows:
        customer = dict(zip(_SHOWN, values, strict=True))
        alike = rules.likeness(key for key in shared if key in told)
        if alike.score < rules.threshold or customer["id"] == but:
            continue
        owners = (customer.pop("assigned_to"), customer.pop("created_by"))
        if current().own_only and current().user_id not in owners:
            hidden += 1
        else:
            candidates.append({"customer": customer, "score": alike.score, "reasons": alike.reasons})
    candidates.sort(key=lambda candidate: (-candidate["score"], candidate["customer"]["id"]))
    return {"candidates": candidates, "hidden": hidden}
