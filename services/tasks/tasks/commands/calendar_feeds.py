"""Calendar feeds: made and replaced, revoked, and shown to who has the token."""

import hashlib
import re
import secrets
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from chassis.context import acting_as, current
from chassis.db.locks import lock_name
from chassis.db.records import Record
from chassis.db.session import Session, set_tenant
from chassis.errors import NotFound, TooManyRequests
from tasks.events import CALENDAR_FEED_CREATED, CALENDAR_FEED_REVOKED
from tasks.models import USERS
from tasks.queries import calendar as queries
from tasks.rules.calendar import calendar

TOKEN_BYTES = 32
MOST_AN_HOUR = 60
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}\Z")


def create_feed(session: Session, values: dict[str, Any]) -> tuple[Record, str]:
    """Make the caller's feed, in the place of the one before; answers it and its token, which nobody sees again."""
    USERS.ensure_actor(session)
    # Of two at once the second waits, and then replaces what the first has made.
    lock_name(session, f"calendar_feed:{current().user_id}")
    before = queries.find_feed(session, lock=True)
    if before is not None:
        queries.RECORDS.delete(session, CALENDAR_FEED_REVOKED, before)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    # A digest without a salt will do: what it is of has 256 random bits.
    given = {**values, "user_id": current().user_id, "token_hash": hashlib.sha256(token.encode()).digest()}
    return queries.RECORDS.create(session, CALENDAR_FEED_CREATED, given), token


def get_feed(session: Session) -> Record:
    """The caller's feed. Raises NotFound."""
    found = queries.find_feed(session)
    if found is None:
        raise _missing()
    return found


def revoke_feed(session: Session) -> None:
    """Take the caller's feed away; its address leads nowhere from now on. Raises NotFound."""
    before = queries.find_feed(session, lock=True)
    if before is None:
        raise _missing()
    queries.RECORDS.delete(session, CALENDAR_FEED_REVOKED, before)


def show_calendar(session: Session, token: str, app_url: str) -> bytes:
    """The calendar of who has the token, as the tasks are now.

    Raises NotFound, the same for all reasons, and TooManyRequests.
    """
    # Other texts have no tokens' shape, and are not even looked up.
    session.begin()
    asked = queries.ask(session, hashlib.sha256(token.encode()).digest()) if _TOKEN.match(token) else None
    if asked is None:
        raise _missing()
    if asked.asked > MOST_AN_HOUR:
        detail = f"This calendar may be asked for {MOST_AN_HOUR} times an hour."
        raise TooManyRequests("too_many_requests", detail, headers={"Retry-After": str(max(asked.seconds_left, 1))})
    with acting_as(replace(current(), company_id=asked.company_id, user_id=asked.user_id)):
        set_tenant(session, asked.company_id)
        entries = queries.list_entries(session, asked, datetime.now(UTC))
    return calendar(
        entries,
        company_id=asked.company_id,
        app_url=app_url,
        host=urlsplit(app_url).hostname or "crm",
        todos=asked.shown_as == "todos",
    )


def _missing() -> NotFound:
    return NotFound("feed_not_found", "There is no such calendar feed.")
