"""Conversions of leads."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, bindparam, func, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db.kinds import INTEGER, TIMESTAMP, choice_of
from chassis.db.listing import Listing
from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline import rules
from pipeline.events import SOURCE
from pipeline.models import conversions, deals, leads
from pipeline.queries.leads import OWN
from pipeline.views import CONVERSION

# Whoever sees a lead sees what became of it.
_OWN = (
    select(leads.c.id)
    .where(leads.c.company_id == conversions.c.company_id, leads.c.id == conversions.c.lead_id, OWN)
    .correlate(conversions)
    .exists()
)
RECORDS = Records(CONVERSION, source=SOURCE, noun="conversion", own=_OWN)
CONVERSIONS = Listing(
    CONVERSION,
    filters={
        "id": INTEGER,
        "lead_id": INTEGER,
        "state": choice_of(*rules.CONVERSION_STATES),
        "customer_id": INTEGER,
        "deal_id": INTEGER,
        "created_by": INTEGER,
        "created_at": TIMESTAMP,
    },
    sorts=("created_at",),
    own=_OWN,
)

_LEAD = bindparam("of_lead", type_=BigInteger())
_ID = bindparam("of_id", type_=BigInteger())
_CUSTOMER = bindparam("of_customer", type_=BigInteger())
_DEAL = bindparam("of_deal", type_=BigInteger())

_LIVE = Prepared(
    select(conversions.c.id).where(
        of_tenant(conversions),
        conversions.c.lead_id == _LEAD,
        conversions.c.state == "converting",
    )
)
_COMPLETED = Prepared(
    select(conversions.c.id)
    .where(of_tenant(conversions), conversions.c.lead_id == _LEAD, conversions.c.state == "completed")
    .order_by(conversions.c.created_at.desc(), conversions.c.id.desc())
    .limit(1)
)
_STATE = Prepared(
    select(conversions.c.state, conversions.c.version).where(of_tenant(conversions), conversions.c.id == _ID)
)
_MADE = Prepared(
    select(conversions.c.deal_version, func.clock_timestamp()).where(of_tenant(conversions), conversions.c.id == _ID)
)
_KEEP = Prepared(
    update(conversions)
    .where(of_tenant(conversions), conversions.c.id == _ID)
    .values(kept=bindparam("kept", type_=JSONB))
)
_DELAYED = Prepared(select(func.delayed_conversions(bindparam("since", type_=DateTime(timezone=True)))))
_IN_USE = Prepared(
    select(
        or_(
            select(leads.c.id)
            .where(
                of_tenant(leads),
                or_(leads.c.customer_id == _CUSTOMER, leads.c.converted_customer_id == _CUSTOMER),
                leads.c.id != _LEAD,
                leads.c.archived_at.is_(None),
            )
            .exists(),
            select(deals.c.id)
            .where(
                of_tenant(deals),
                deals.c.customer_id == _CUSTOMER,
                deals.c.id.is_distinct_from(_DEAL),
                deals.c.archived_at.is_(None),
            )
            .exists(),
        )
    )
)


def find_live_conversion(session: Session, lead_id: int) -> int | None:
    """The conversion that a lead is in the middle of."""
    row = session.fetch_one(_LIVE, of_lead=lead_id)
    return None if row is None else row[0]


def find_completed_conversion(session: Session, lead_id: int) -> int | None:
    """The conversion that has made a lead what it is."""
    row = session.fetch_one(_COMPLETED, of_lead=lead_id)
    return None if row is None else row[0]


def is_finished(session: Session, conversion_id: int) -> bool:
    """Whether nothing of a conversion is still to come."""
    row = session.fetch_one(_STATE, of_id=conversion_id)
    return row is None or row[0] != "converting"


def what_was_made(session: Session, conversion_id: int) -> tuple[int | None, datetime]:
    """The version that the deal of a conversion had then, and what time it is."""
    deal_version, now = session.fetch(_MADE, of_id=conversion_id)[0]
    return deal_version, now


def is_customer_in_use(session: Session, customer_id: int, *, lead_id: int, deal_id: int | None) -> bool:
    """Whether a customer has live leads or deals besides these."""
    used: bool = session.fetch(_IN_USE, of_customer=customer_id, of_lead=lead_id, of_deal=deal_id)[0][0]
    return used


def note_kept(session: Session, conversion_id: int, kept: list[str]) -> None:
    """Note what customers has kept of an undone conversion; that is no change of the conversion itself."""
    session.run(_KEEP, of_id=conversion_id, kept=kept)


def count_delayed(session: Session, since: datetime) -> int:
    """How many conversions of all tenants were begun before that and are not finished."""
    count: int = session.fetch(_DELAYED, since=since)[0][0]
    return count
