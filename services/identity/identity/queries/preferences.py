"""How the caller likes what they look at."""

import orjson
from sqlalchemy import BigInteger, bindparam

from chassis.context import current, tenant
from chassis.db.record_statements import in_order
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from identity.events import SOURCE
from identity.models import user_preferences
from identity.views import USER_PREFERENCES

RECORDS = Records(USER_PREFERENCES, source=SOURCE, noun="preferences")
_OF_MEMBER = (of_tenant(user_preferences), user_preferences.c.user_id == bindparam("of_user", type_=BigInteger))
_FIND = Prepared(USER_PREFERENCES.one(*_OF_MEMBER))
_LOCK = Prepared(in_order(USER_PREFERENCES, *_OF_MEMBER))


def show_preferences(session: Session) -> tuple[bytes, int]:
    """The caller's preferences, and their version: 0 before anything was set."""
    row = session.fetch_one(_FIND, of_user=current().user_id)
    if row is not None:
        return row[0], row[2]
    return orjson.dumps({"company_id": tenant(), "version": 0, "user_id": current().user_id, "settings": {}}), 0


def lock_preferences_of(session: Session, user_id: int) -> Record | None:
    """The preferences of a member, locked; None before anything was set."""
    rows = session.fetch(_LOCK, of_user=user_id)
    return Record(*rows[0]) if rows else None
