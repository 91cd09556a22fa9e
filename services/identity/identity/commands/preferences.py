"""Changing how somebody likes what they look at."""

from collections.abc import Mapping

import orjson

from chassis.context import current
from chassis.db.locks import lock_name
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict, PreconditionFailed
from identity import events
from identity.queries.preferences import RECORDS, lock_preferences_of

# Each change is an event with all of them, before and after.
LARGEST = 32 * 1024


def change_preferences(session: Session, version: int | None, given: Mapping[str, str | None]) -> Record:
    """Change some of the caller's settings; None forgets one.

    Raises PreconditionFailed, and Conflict for more than there is room for.
    """
    user_id = current().user_id
    assert user_id is not None
    # Of two first changes at once the second waits, and then finds what the first has made.
    lock_name(session, f"user_preferences:{user_id}")
    before = lock_preferences_of(session, user_id)
    settings = {**({} if before is None else before.document["settings"]), **given}
    settings = {name: value for name, value in settings.items() if value is not None}
    if len(orjson.dumps(settings)) > LARGEST:
        raise Conflict("too_many_preferences", f"All settings together take {LARGEST // 1024} KiB at most.")
    if before is None:
        if version not in (None, 0):
            raise PreconditionFailed("stale_version", "Nothing was set yet.", headers={"ETag": '"0"'})
        return RECORDS.create(session, events.USER_PREFERENCES_CREATED, {"user_id": user_id, "settings": settings})
    RECORDS.refuse_stale(before, version)
    return RECORDS.change(session, events.USER_PREFERENCES_UPDATED, before, {"settings": settings})


def forget_preferences(session: Session, user_id: int) -> None:
    """Delete the settings of a member who leaves."""
    before = lock_preferences_of(session, user_id)
    if before is not None:
        RECORDS.delete(session, events.USER_PREFERENCES_DELETED, before)
