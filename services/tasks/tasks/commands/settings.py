"""Changing how somebody wants to be reminded."""

from typing import Any

from chassis.context import current
from chassis.db.locks import lock_name
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import PreconditionFailed
from tasks.events import USER_SETTINGS_CREATED, USER_SETTINGS_UPDATED
from tasks.models import USERS
from tasks.queries.settings import RECORDS, find_settings
from tasks.rules.zones import zone_of


def change_settings(session: Session, version: int | None, values: dict[str, Any]) -> Record:
    """Set what the caller wants from now on. Raises PreconditionFailed, Invalid for a zone that there is not."""
    if values.get("time_zone") is not None:
        zone_of(values["time_zone"])
    USERS.ensure_actor(session)
    # Of two first changes at once the second waits, and then finds what the first has made.
    lock_name(session, f"user_settings:{current().user_id}")
    before = find_settings(session, lock=True)
    if before is None:
        if version not in (None, 0):
            raise PreconditionFailed("stale_version", "Nothing was set yet.", headers={"ETag": '"0"'})
        return RECORDS.create(session, USER_SETTINGS_CREATED, {**values, "user_id": current().user_id})
    RECORDS.refuse_stale(before, version)
    return RECORDS.change(session, USER_SETTINGS_UPDATED, before, values)
