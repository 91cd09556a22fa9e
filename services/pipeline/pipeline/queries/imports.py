"""Which leads and deals the rows of imports are about, and what there is to know of them; one question for many."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Table, any_, bindparam, collate, select, union

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.db.tables import ALPHABET
from pipeline.models import conversions, customer_refs, deals, leads, loss_reasons, pipelines
from pipeline.queries import deals as deal_queries
from pipeline.queries import leads as lead_queries

_LEADS_BY = {"id": leads.c.id, "email": leads.c.email_norm}
# In the collation of the index by name; texts are the same there only where they are.
_DEALS_BY = {"id": deals.c.id, "deal_name": collate(deals.c.deal_name, ALPHABET)}
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


_PIPELINES = Prepared(
    select(pipelines.c.id, pipelines.c.name, pipelines.c.is_default)
    .where(of_tenant(pipelines), pipelines.c.archived_at.is_(None))
    .order_by(pipelines.c.order_index, pipelines.c.id)
)
_REASONS = Prepared(
    select(loss_reasons.c.name, loss_reasons.c.id).where(of_tenant(loss_reasons), loss_reasons.c.is_active)
)
_CUSTOMERS = Prepared(
    select(
        customer_refs.c.customer_id,
        customer_refs.c.archived_at.is_(None) & customer_refs.c.merged_into.is_(None),
    ).where(of_tenant(customer_refs), customer_refs.c.customer_id == any_(_IDS))
)

Found = dict[Any, list[tuple[int, bool]]]


def find_leads(session: Session, match_by: str, keys: Collection[Any]) -> Found:
    """The leads with each of these keys, each with whether it is archived; by e-mail address, none that is."""
    return _find(session, _leads_with(match_by, current().own_only), keys, archived=match_by == "id")


def find_deals(session: Session, match_by: str, keys: Collection[Any]) -> Found:
    """The deals with each of these keys, each with whether it is archived; by name, none that is."""
    return _find(session, _deals_with(match_by, current().own_only), keys, archived=match_by == "id")


def _find(session: Session, statement: Prepared, keys: Collection[Any], *, archived: bool) -> Found:
    found: Found = {}
    if keys:
        actor = {"actor": current().user_id} if current().own_only else {}
        for key, record_id, is_archived in session.fetch(statement, keys=list(keys), **actor):
            if archived or not is_archived:
                found.setdefault(key, []).append((record_id, is_archived))
    return found


def list_pipelines(session: Session) -> list[tuple[int, str, bool]]:
    """The live pipelines in order: id, name, and whether it is the default one."""
    return [(row[0], row[1], row[2]) for row in session.fetch(_PIPELINES)]


def list_reasons(session: Session) -> dict[str, int]:
    """The loss reasons that may be chosen: their ids by their names."""
    return dict(session.fetch(_REASONS))


def known_customers(session: Session, ids: Collection[int]) -> dict[int, bool]:
    """Those of the customers that the service has heard of, and whether each is live."""
    return dict(session.fetch(_CUSTOMERS, ids=list(ids))) if ids else {}


def converting_among(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the leads that are being converted."""
    return {row[0] for row in session.fetch(_CONVERTING, ids=list(ids))} if ids else set()


def gone_on_with(session: Session, ids: Collection[int]) -> set[int]:
    """Those of the leads that have deals, or were ever converted."""
    return {row[0] for row in session.fetch(_GONE_ON_WITH, ids=list(ids))} if ids else set()


@lru_cache(maxsize=4)
def _leads_with(match_by: str, own: bool) -> Prepared:
    return _matches(leads, _LEADS_BY[match_by], [lead_queries.OWN] if own else [])


@lru_cache(maxsize=4)
def _deals_with(match_by: str, own: bool) -> Prepared:
    return _matches(deals, _DEALS_BY[match_by], [deal_queries.OWN] if own else [])


def _matches(table: Table, key: ColumnElement[Any], own: Sequence[ColumnElement[bool]]) -> Prepared:
    where = [of_tenant(table), key == any_(bindparam("keys", type_=ARRAY(key.type))), *own]
    return Prepared(select(key, table.c.id, table.c.archived_at.is_not(None)).where(*where).order_by(table.c.id))
