"""Conversions of leads."""

from sqlalchemy import BigInteger, bindparam, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline.models import conversions

_LIVE = Prepared(
    select(conversions.c.id).where(
        of_tenant(conversions),
        conversions.c.lead_id == bindparam("of_lead", type_=BigInteger()),
        conversions.c.state == "converting",
    )
)


def find_live_conversion(session: Session, lead_id: int) -> int | None:
    """The conversion that a lead is in the middle of."""
    row = session.fetch_one(_LIVE, of_lead=lead_id)
    return None if row is None else row[0]
