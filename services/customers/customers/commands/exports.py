"""Noting who takes customers out of the system."""

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from customers.events import CUSTOMER_EXPORT_CREATED
from customers.models import USERS
from customers.queries.exports import RECORDS


def note_export(session: Session, form: str, query: str) -> Record:
    """Note an export for the audit log: its form and, as a query string, what was asked for."""
    USERS.ensure_actor(session)
    values = {"format": form, "query": query[:4000], "created_by": current().user_id}
    return RECORDS.create(session, CUSTOMER_EXPORT_CREATED, values)
