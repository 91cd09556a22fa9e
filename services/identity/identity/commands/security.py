"""Security events: what happened with accounts and changed no other record."""

from typing import Any

from chassis.db.records import Records
from chassis.db.session import Session
from identity.events import SECURITY_EVENT_RECORDED, SOURCE
from identity.views import SECURITY_EVENT

RECORDS = Records(SECURITY_EVENT, source=SOURCE, noun="security event")


def note(session: Session, kind: str, *, user_id: int | None = None, detail: dict[str, Any] | None = None) -> None:
    """Note what happened to the tenant, for its audit log; `detail` holds no secret."""
    RECORDS.create(session, SECURITY_EVENT_RECORDED, {"kind": kind, "user_id": user_id, "detail": detail or {}})
