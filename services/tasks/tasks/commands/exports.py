"""Noting who takes records out of the system."""

from chassis.context import current
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.events import EventType
from tasks.models import USERS


def note_export(session: Session, records: Records, event_type: EventType, form: str, query: str) -> Record:
    """Note an export for the audit log: its form and, as a query string, what was asked for."""
    USERS.ensure_actor(session)
    values = {"format": form, "query": query[:4000], "created_by": current().user_id}
    return records.create(session, event_type, values)
