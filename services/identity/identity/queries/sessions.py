"""Sessions and their refresh tokens."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, LargeBinary, bindparam, column, func, select

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from identity.models import refresh_tokens, sessions
from identity.rules import RefreshState

# Without a tenant yet: see the function in migration 0002.
_FAMILY = Prepared(
    select(column("company_id"), column("session_id")).select_from(
        func.find_refresh_token(bindparam("token_hash", type_=LargeBinary)).table_valued("company_id", "session_id")
    )
)
_SESSION_LOCKED = Prepared(
    select(sessions.c.sid, sessions.c.user_id, sessions.c.expires_at, sessions.c.ended_at)
    .where(
        of_tenant(sessions),
        sessions.c.id == bindparam("session_id", type_=BigInteger),
    )
    .with_for_update()
)
_SUCCESSOR = refresh_tokens.alias("successor")
_TOKEN = Prepared(
    select(
        refresh_tokens.c.id,
        refresh_tokens.c.nonce,
        refresh_tokens.c.expires_at,
        refresh_tokens.c.used_at,
        _SUCCESSOR.c.used_at,
        # The transaction's own now() is from before the wait for the session's lock.
        func.clock_timestamp(),
    )
    .outerjoin_from(
        refresh_tokens,
        _SUCCESSOR,
        (_SUCCESSOR.c.company_id == refresh_tokens.c.company_id) & (_SUCCESSOR.c.parent_id == refresh_tokens.c.id),
    )
    .where(
        of_tenant(refresh_tokens),
        refresh_tokens.c.token_hash == bindparam("token_hash", type_=LargeBinary),
    )
)


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token under the lock of its session."""

    id: int
    nonce: bytes
    session_id: int
    sid: str
    user_id: int
    state: RefreshState

    @property
    def session_ends(self) -> datetime:
        return self.state.session_ends


def find_family(session: Session, token_hash: bytes) -> tuple[int, int] | None:
    """The tenant and the session that a refresh token belongs to; None when it was never issued."""
    row = session.fetch_one(_FAMILY, token_hash=token_hash)
    return None if row is None else (row[0], row[1])


def lock_refresh_token(session: Session, session_id: int, token_hash: bytes) -> RefreshToken | None:
    """Wait for the session's lock, then read the token as it is now; None when either is gone meanwhile."""
    family = session.fetch_one(_SESSION_LOCKED, session_id=session_id)
    token = session.fetch_one(_TOKEN, token_hash=token_hash)
    if family is None or token is None:
        return None
    sid, user_id, session_ends, ended_at = family
    token_id, nonce, expires_at, used_at, successor_used_at, now = token
    state = RefreshState(now, session_ends, ended_at, expires_at, used_at, successor_used_at)
    return RefreshToken(token_id, bytes(nonce), session_id, str(sid), user_id, state)
