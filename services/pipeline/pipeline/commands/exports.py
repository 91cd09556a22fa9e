"""Noting who takes leads or deals out of the system."""

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from pipeline.events import DEAL_EXPORT_CREATED, LEAD_EXPORT_CREATED
from pipeline.models import USERS
from pipeline.queries.cards import LEADS, Cards
from pipeline.queries.exports import DEAL_EXPORTS, LEAD_EXPORTS


def note_export(session: Session, cards: Cards, form: str, query: str) -> Record:
    """Note an export for the audit log: its form and, as a query string, what was asked for."""
    USERS.ensure_actor(session)
    values = {"format": form, "query": query[:4000], "created_by": current().user_id}
    if cards is LEADS:
        return LEAD_EXPORTS.create(session, LEAD_EXPORT_CREATED, values)
    return DEAL_EXPORTS.create(session, DEAL_EXPORT_CREATED, values)
