"""How somebody wants to be reminded."""

from typing import Any

import orjson
from sqlalchemy import BigInteger, bindparam

from chassis.context import current, tenant
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.events import SOURCE
from tasks.models import user_settings
from tasks.views import USER_SETTINGS

RECORDS = Records(USER_SETTINGS, source=SOURCE, noun="notification settings")
_OWN = [of_tenant(user_settings), user_settings.c.user_id == bindparam("of_user", type_=BigInteger)]
_FIND = {lock: Prepared(USER_SETTINGS.one(*_OWN, lock=lock)) for lock in (False, True)}
# Of somebody who has set nothing.
_UNSET: dict[str, Any] = {
    "version": 0,
    "time_zone": None,
    "day_starts_at": "09:00:00",
    "default_reminders": [],
    "email_reminders": False,
    "digest": False,
    "digest_at": "08:00:00",
    "digest_days": [1, 2, 3, 4, 5],
}


def find_settings(session: Session, *, lock: bool = False) -> Record | None:
    """What the caller has set; None for nothing yet."""
    if lock:
        session.begin()
    row = session.fetch_one(_FIND[lock], of_user=current().user_id)
    return None if row is None else Record(*row)


def show_settings(session: Session) -> tuple[bytes, int]:
    """What holds for the caller, and its version: 0 before anything was set."""
    found = find_settings(session)
    if found is not None:
        return found.json, found.version
    return orjson.dumps({"company_id": tenant(), "user_id": current().user_id, **_UNSET}), 0
