"""What becomes of leads and deals when their customer is archived, merged, restored or purged.

An event may come late or twice, so what is done follows from what is known of the customer after it, under a lock that
keeps anybody from making a record for the customer meanwhile.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Integer, bindparam, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.db.bulk import change_many
from chassis.db.record_statements import in_order
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, named_values, of_tenant
from chassis.events import Event, EventType
from chassis.reference_purges import ReferencePurges
from pipeline.commands.purges import forget_customer, remove_deal, remove_lead
from pipeline.events import (
    DEAL_ARCHIVED,
    DEAL_RESTORED,
    DEAL_UPDATED,
    LEAD_ARCHIVED,
    LEAD_RESTORED,
    LEAD_UPDATED,
)
from pipeline.models import CUSTOMERS, customer_moves, customer_purges, customer_refs, ref_tombstones
from pipeline.queries.cards import DEALS, LEADS, Cards
from pipeline.queries.stages import clock

BATCH = 500
PURGED_AT_ONCE = 100
# A customer that was merged again and again leads to the one that is left; customers makes no circles.
LONGEST_CHAIN = 100

CUSTOMER_PURGES = ReferencePurges(customer_purges, CUSTOMERS)

_CUSTOMER = bindparam("of_customer", type_=BigInteger())
_MOST = bindparam("most", type_=Integer())
_ARCHIVED: Mapping[Cards, EventType] = {LEADS: LEAD_ARCHIVED, DEALS: DEAL_ARCHIVED}
_RESTORED: Mapping[Cards, EventType] = {LEADS: LEAD_RESTORED, DEALS: DEAL_RESTORED}
_UPDATED: Mapping[Cards, EventType] = {LEADS: LEAD_UPDATED, DEALS: DEAL_UPDATED}

_KNOW = Prepared(
    upsert(customer_refs).values(company_id=TENANT, customer_id=_CUSTOMER, version=0).on_conflict_do_nothing()
)
_TOMBSTONE = Prepared(
    select(ref_tombstones.c.version).where(
        of_tenant(ref_tombstones), ref_tombstones.c.kind == "customer", ref_tombstones.c.ref_id == _CUSTOMER
    )
)
_NOTE_MOVE = Prepared(
    insert(customer_moves).values(
        named_values(customer_moves, ("lead_id", "deal_id", "from_customer_id", "to_customer_id", "event_id"))
    )
)
_FORGET_MOVES = Prepared(
    delete(customer_moves).where(of_tenant(customer_moves), customer_moves.c.from_customer_id == _CUSTOMER)
)


def follow_customer(session: Session, event: Event) -> None:
    """Keep what an event tells of a customer that was archived or restored, and do the same with what is theirs."""
    customer_id = event.record_id
    CUSTOMERS.save(session, CUSTOMERS.told(event.data["after"], event))
    known = CUSTOMERS.find(session, (customer_id,)).get(customer_id)
    if known is None:
        return
    if known["archived_at"] is None:
        _restore(session, customer_id)
        _give_back(session, customer_id)
    elif known["merged_into"] is None:
        _archive(session, customer_id, event.id)
    else:
        _give_away(session, customer_id, known["merged_into"], event.id)


def purge_on(session: Session, purge_id: int) -> bool:
    """Remove the next records of a customer that was purged, each with its event; whether there are more."""
    return CUSTOMER_PURGES.step(session, purge_id, _remove_next)


def _remove_next(session: Session, customer_id: int) -> bool:
    for cards, remove in ((DEALS, remove_deal), (LEADS, remove_lead)):
        found = _lock(session, cards, _OF_CUSTOMER, customer_id, PURGED_AT_ONCE)
        for card in found:
            remove(session, card)
        if found:
            return True
    forget_customer(session, customer_id)
    return False


def _archive(session: Session, customer_id: int, event_id: str) -> None:
    now = clock(session).isoformat()
    gone = {"archived_at": now, "archived_by_event": event_id, "archived_with_customer": True}
    for cards in (LEADS, DEALS):
        _change_all(session, cards, _ARCHIVED[cards], gone, which=_LIVE, customer_id=customer_id)


def _restore(session: Session, customer_id: int) -> None:
    back = {"archived_at": None, "archived_by_event": None, "archived_with_customer": False}
    for cards in (LEADS, DEALS):
        _change_all(session, cards, _RESTORED[cards], back, which=_GONE_ALONG, customer_id=customer_id)


def _give_away(session: Session, customer_id: int, target_id: int, event_id: str) -> None:
    """Everything of a customer that was merged goes to the one that is left, noted so that it can go back."""
    for _ in range(LONGEST_CHAIN):
        tombstone = session.fetch_one(_TOMBSTONE, of_customer=target_id)
        if tombstone is not None:
            CUSTOMER_PURGES.note(session, customer_id, tombstone[0], event_id=event_id)
            return
        # Whoever it is: its own event, or a look at customers, says more of it later.
        session.run(_KNOW, of_customer=target_id)
        further = CUSTOMERS.find(session, (target_id,))[target_id]["merged_into"]
        if further is None:
            break
        target_id = further
    for cards in (LEADS, DEALS):
        theirs = {"customer_id": target_id}
        for record in _change_all(session, cards, _UPDATED[cards], theirs, which=_OF_CUSTOMER, customer_id=customer_id):
            session.run(
                _NOTE_MOVE,
                **{"lead_id": None, "deal_id": None, cards.reference: record.id},
                from_customer_id=customer_id,
                to_customer_id=target_id,
                event_id=event_id,
            )


def _give_back(session: Session, customer_id: int) -> None:
    """What went away by a merge that was undone, unless it has another customer since."""
    for cards in (LEADS, DEALS):
        mine = {"customer_id": customer_id}
        _change_all(session, cards, _UPDATED[cards], mine, which=_MOVED, customer_id=customer_id)
    session.run(_FORGET_MOVES, of_customer=customer_id)


def _change_all(
    session: Session, cards: Cards, event_type: EventType, values: Mapping[str, Any], *, which: str, customer_id: int
) -> list[Record]:
    """Change all records that `which` names; none of them is one of these afterwards."""
    changed: list[Record] = []
    while found := _lock(session, cards, which, customer_id, BATCH):
        change_many(session, cards.records, event_type, [(record, values) for record in found])
        changed += found
    return changed


def _lock(session: Session, cards: Cards, which: str, customer_id: int, most: int) -> Sequence[Record]:
    return [Record(*row) for row in session.fetch(_named(cards, which), of_customer=customer_id, most=most)]


_OF_CUSTOMER, _LIVE, _GONE_ALONG, _MOVED = "all", "live", "gone_along", "moved"


@lru_cache(maxsize=16)
def _named(cards: Cards, which: str) -> Prepared:
    table = cards.table
    theirs: list[ColumnElement[bool]] = [of_tenant(table), table.c.customer_id == _CUSTOMER]
    match which:
        case "live":
            theirs.append(table.c.archived_at.is_(None))
        case "gone_along":
            theirs.append(table.c.archived_with_customer)
        case "moved":
            noted = customer_moves.c[cards.reference]
            moved = select(noted).where(
                of_tenant(customer_moves),
                customer_moves.c.from_customer_id == _CUSTOMER,
                noted == table.c.id,
                customer_moves.c.to_customer_id == table.c.customer_id,
            )
            theirs = [of_tenant(table), moved.correlate(table).exists()]
    first = select(table.c.id).where(*theirs).order_by(table.c.id).limit(_MOST)
    return Prepared(in_order(cards.records.view, of_tenant(table), table.c.id.in_(first)))
