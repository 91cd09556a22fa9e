"""Every event that identity publishes."""

from chassis.db.outbox import record
from chassis.db.session import Session
from chassis.events import EventType

SOURCE = "identity"

COMPANY_CREATED = EventType("company", "created", table="companies")
USER_CREATED = EventType("user", "created", table="users")
USER_SIGNED_IN = EventType("user", "signed_in", table="users")
USER_COMPANY_CREATED = EventType("user_company", "created", table="user_companies")

PUBLISHED = (COMPANY_CREATED, USER_CREATED, USER_SIGNED_IN, USER_COMPANY_CREATED)


def created(session: Session, event_type: EventType, *, record_id: int, version: int, after: bytes) -> None:
    """Record that something new exists."""
    record(session, event_type, source=SOURCE, record_id=record_id, version=version, before=None, after=after)


def user_signed_in(session: Session, *, user_id: int, version: int, before: bytes, after: bytes) -> None:
    """Record that a user signed in."""
    record(
        session,
        USER_SIGNED_IN,
        source=SOURCE,
        record_id=user_id,
        version=version,
        before=before,
        after=after,
        changed=["last_login"],
    )
