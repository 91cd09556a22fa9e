"""Every event that identity publishes."""

from chassis.db.outbox import record
from chassis.db.session import Session
from chassis.events import EventType

SOURCE = "identity"

COMPANY_CREATED = EventType("company", "created", table="companies")
USER_CREATED = EventType("user", "created", table="users")
USER_SIGNED_IN = EventType("user", "signed_in", table="users")
USER_COMPANY_CREATED = EventType("user_company", "created", table="user_companies")
SECURITY_EVENT_RECORDED = EventType("security_event", "recorded", table="security_events")

PUBLISHED = (COMPANY_CREATED, USER_CREATED, USER_SIGNED_IN, USER_COMPANY_CREATED, SECURITY_EVENT_RECORDED)


def created(session: Session, event_type: EventType, *, record_id: int, version: int, after: bytes) -> None:
    """Record that something new exists."""
    record(session, event_type, source=SOURCE, record_id=record_id, version=version, before=None, after=after)


def changed(
    session: Session, event_type: EventType, *, record_id: int, version: int, before: bytes, after: bytes | None
) -> None:
    """Record that something is no longer as it was; without `after` it is gone."""
    record(session, event_type, source=SOURCE, record_id=record_id, version=version, before=before, after=after)
