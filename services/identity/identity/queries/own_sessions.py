"""The caller's own sessions that are alive, as a list."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Text, cast, func, literal_column, text, true

from chassis.context import current
from chassis.db.json_view import JsonView
from chassis.db.listing import Listing, ListQuery
from chassis.db.session import Session
from chassis.db.statements import Prepared
from identity.models import sessions
from identity.rules import REFRESH_IDLE

# Which session asks is no value of a list's statement, so it is a setting of the transaction, like the tenant.
_MARK = Prepared(text("SELECT set_config('app.session_id', :sid, true)"))
_asking = func.current_setting(literal_column("'app.session_id'"), true())  # Null where it is not set.

_NAMES = ("id", "created_at", "last_used_at", "expires_at", "ip_address", "user_agent", "current")
OWN_SESSIONS = Listing(
    JsonView(sessions, _NAMES, extra=[(cast(sessions.c.sid, Text) == _asking).label("current")]),
    filters={},
    sorts=("created_at", "last_used_at", "expires_at"),
)


def of_caller(session: Session, query: ListQuery) -> ListQuery:
    """Confine a list to the caller's sessions that a refresh token can still keep alive. It begins the transaction."""
    context = current()
    session.fetch(_MARK, sid=context.session_id)
    now = datetime.now(UTC)
    mine = (
        (("user_id", "eq"), context.user_id),
        (("ended_at", "is_null"), True),
        (("expires_at", "gt"), now),
        (("last_used_at", "gt"), now - REFRESH_IDLE),
    )
    shape = replace(query.shape, conditions=query.shape.conditions + tuple(condition for condition, _ in mine))
    return replace(query, shape=shape, values=query.values + tuple(value for _, value in mine))
