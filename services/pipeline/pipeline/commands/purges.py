"""Deleting leads and deals for good, with what names them."""

from functools import lru_cache

from sqlalchemy import BigInteger, bindparam

from chassis.db.json_view import JsonView
from chassis.db.record_statements import in_order
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from pipeline.commands.leads import refuse_converting
from pipeline.events import DEAL_PURGED, DEAL_UPDATED, LEAD_PURGED, LEAD_UPDATED
from pipeline.queries.deals import RECORDS as DEALS
from pipeline.queries.leads import RECORDS as LEADS
from pipeline.views import DEAL, LEAD


def purge_lead(session: Session, lead_id: int, version: int | None) -> None:
    """Delete a lead for good; its deals stay, and name it no more. Raises NotFound, PreconditionFailed, Conflict."""
    lead = LEADS.expect(session, lead_id, version)
    refuse_converting(session, lead)
    remove_lead(session, lead)


def purge_deal(session: Session, deal_id: int, version: int | None) -> None:
    """Delete a deal for good; the lead that became it names it no more. Raises NotFound, PreconditionFailed."""
    remove_deal(session, DEALS.expect(session, deal_id, version))


def remove_lead(session: Session, lead: Record) -> None:
    """Delete a locked lead, in whatever state."""
    for row in session.fetch(_naming(DEAL, "lead_id"), of_id=lead.id):
        DEALS.change(session, DEAL_UPDATED, Record(*row), {"lead_id": None})
    LEADS.delete(session, LEAD_PURGED, lead)


def remove_deal(session: Session, deal: Record) -> None:
    """Delete a locked deal."""
    for row in session.fetch(_naming(LEAD, "converted_deal_id"), of_id=deal.id):
        LEADS.change(session, LEAD_UPDATED, Record(*row), {"converted_deal_id": None})
    DEALS.delete(session, DEAL_PURGED, deal)


def forget_customer(session: Session, customer_id: int) -> None:
    """Have the leads that became a customer name it no more; those that are the customer's own are gone by then."""
    for row in session.fetch(_naming(LEAD, "converted_customer_id"), of_id=customer_id):
        LEADS.change(session, LEAD_UPDATED, Record(*row), {"converted_customer_id": None})


@lru_cache(maxsize=4)
def _naming(view: JsonView, column: str) -> Prepared:
    """The records that name one in a column, locked."""
    named = view.table.c[column] == bindparam("of_id", type_=BigInteger())
    return Prepared(in_order(view, of_tenant(view.table), named))
