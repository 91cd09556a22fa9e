"""Which leads the rows of an import are about, and which of them others have gone on with; one question for many."""

from collections.abc import Collection
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, select, union

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline.models import conversions, deals, leads
from pipeline.queries.leads import OWN

_COLUMN_OF = {"id": "id", "email": "email_norm"}
_IDS = bindparam("ids", type_=ARRAY(BigInteger))
_CONVERTING = Prepared(
    select(conversions.c.lead_id).where(
        of_tenant(conversions), conversions.c.lead_id == any_(_IDS), conversions.c.state == "converting"
    )
)
_GONE_ON_WITH = Prepared(
    union(
        select(conversions.c.lead_id).where(of_tenant(conversions), conversions.c.lead_id == any_(_IDS)),
        select(deals.c.lead_id).where(of_tenant(deals), deals.c.lead_id == any_(_IDS)),
    )
)


def find_leads(session: Session, match_by: str, keys: Collection[Any]) -> dict[Any, list[tuple[int, bool]]]:
    """The leads with each of these keys, each with whether it is archived; by e-mail address, none that is."""
    own = current().own_only
    found: dict[Any, list[tuple[int, bool]]] = {}
    if keys:
        actor = {"actor": current().user_id} if own else {}
        for key, lead_id, archived in session.fetch(_matches(match_by, own), keys=list(keys), **actor):
            if match_by != "email" or not archived:
                found.setdefault(key, []).append((lead_id, archived))
    return found


def converting_among(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the leads that are being converted."""
    return {row[0] for row in session.fetch(_CONVERTING, ids=list(ids))} if ids else set()


def gone_on_with(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the leads that have deals, or were ever converted."""
    return {row[0] for row in session.fetch(_GONE_ON_WITH, ids=list(ids))} if ids else set()


@lru_cache(maxsize=4)
def _matches(match_by: str, own: bool) -> Prepared:
    key = leads.c[_COLUMN_OF[match_by]]
    where = [of_tenant(leads), key == any_(bindparam("keys", type_=ARRAY(key.type))), *([OWN] if own else [])]
    return Prepared(select(key, leads.c.id, leads.c.archived_at.is_not(None)).where(*where).order_by(leads.c.id))
