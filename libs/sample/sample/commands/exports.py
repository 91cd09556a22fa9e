"""Noting who takes records out of the system."""

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from sample.events import BOOK_EXPORT_CREATED
from sample.models import USERS
from sample.queries.exports import BOOK_EXPORTS


def note_export(session: Session, form: str, query: str) -> Record:
    """Note an export for the audit log: its form and, as a query string, what was asked for."""
    USERS.ensure_actor(session)
    values = {"format": form, "query": query[:4000], "created_by": current().user_id}
    return BOOK_EXPORTS.create(session, BOOK_EXPORT_CREATED, values)
