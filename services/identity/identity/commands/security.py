"""Security events: what happened at the door and changed no other record."""

from typing import Any

from sqlalchemy import insert

from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values
from identity import events
from identity.models import security_events
from identity.views import SECURITY_EVENT

_COLUMNS = ("kind", "user_id", "detail")
_NOTE = Prepared(SECURITY_EVENT.returning(insert(security_events).values(named_values(security_events, _COLUMNS))))


def note(session: Session, kind: str, *, user_id: int | None = None, detail: dict[str, Any] | None = None) -> None:
    """Note what happened to the tenant, for its audit log; `detail` holds no secret."""
    row = session.fetch(_NOTE, kind=kind, user_id=user_id, detail=detail or {})[0]
    events.created(session, events.SECURITY_EVENT_RECORDED, record_id=row[1], version=row[2], after=row[0])
