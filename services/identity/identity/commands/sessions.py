"""Sessions: opened with a first refresh token, kept alive by rotation, ended for good."""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, insert, update

from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.errors import Forbidden
from chassis.events import new_id
from identity import rules
from identity.commands import ended_sessions, letters, security, throttles
from identity.commands.acting import working_for
from identity.keys import Authority
from identity.models import refresh_tokens, sessions
from identity.queries.members import Membership, find_membership
from identity.queries.sessions import RefreshToken, find_family, lock_refresh_token
from identity.rules import Refresh

_SESSION_FIELDS = ("sid", "user_id", "ip_address", "user_agent", "expires_at")
_ADD_SESSION = Prepared(insert(sessions).values(named_values(sessions, _SESSION_FIELDS)).returning(sessions.c.id))
_THIS_SESSION = (
    of_tenant(sessions),
    sessions.c.id == bindparam("session_id", type_=BigInteger),
)
_USE_SESSION = Prepared(
    update(sessions)
    .where(*_THIS_SESSION)
    .values(last_used_at=func.clock_timestamp(), version=sessions.c.version + 1, updated_at=func.now())
)
_TOKEN_FIELDS = ("session_id", "parent_id", "token_hash", "nonce", "expires_at")
_ADD_TOKEN = Prepared(insert(refresh_tokens).values(named_values(refresh_tokens, _TOKEN_FIELDS)))
_USE_TOKEN = Prepared(
    update(refresh_tokens)
    .where(
        of_tenant(refresh_tokens),
        refresh_tokens.c.id == bindparam("token_id", type_=BigInteger),
    )
    .values(used_at=func.clock_timestamp(), version=refresh_tokens.c.version + 1, updated_at=func.now())
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets to go on with (RFC 6749, 5.1)."""

    company_id: int
    access_token: str
    refresh_token: str
    # For who has just shown a password (identity.commands.devices).
    device_token: str | None = None

    def document(self) -> dict[str, Any]:
        document = {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "token_type": "Bearer",
            "expires_in": int(rules.ACCESS_TOKEN_LIFE.total_seconds()),
        }
        return document if self.device_token is None else {**document, "device_token": self.device_token}


def open_session(session: Session, authority: Authority, user_id: int, membership: Membership) -> Tokens:
    """Start a family of refresh tokens, of which the first is random."""
    now = datetime.now(UTC)
    sid = new_id()
    token = secrets.token_urlsafe(32)
    context = current()
    session_id = session.fetch(
        _ADD_SESSION,
        sid=sid,
        user_id=user_id,
        ip_address=context.client_ip and context.client_ip[:64],
        user_agent=context.user_agent and context.user_agent[:500],
        expires_at=now + rules.SESSION_LIFE,
    )[0][0]
    _store(session, token, session_id=session_id, parent_id=None, expires_at=now + rules.REFRESH_IDLE)
    return _tokens(authority, user_id, membership, sid, token)


def refresh(session: Session, authority: Authority, token: str, of_company: int | None = None) -> Tokens | None:
    """Exchange a refresh token, of a company if one is named, for new tokens; None when it is refused.

    A refusal is answered and not raised, because it may have ended the session, and that must be committed.
    Raises Forbidden, changing nothing, while the company is closed, and TooManyRequests for a session that asks far
    more often than its tokens expire.
    """
    token_hash = rules.token_hash(token)
    family = find_family(session, token_hash)
    if family is None:
        return None
    company_id, session_id = family
    if of_company not in (None, company_id):
        return None
    with working_for(session, company_id, None):
        shown = lock_refresh_token(session, session_id, token_hash)
        if shown is None:
            return None
        membership = find_membership(session, shown.user_id)
        verdict = rules.judge_refresh(shown.state)
        if verdict is Refresh.EXPIRED:
            return None
        if verdict is Refresh.REUSED or membership is None or not membership.is_active:
            _end(session, shown, "refresh_token_reused" if verdict is Refresh.REUSED else "user_inactive")
            return None
        refuse_closed(membership)
        successor = urlsafe_b64encode(rules.successor_of(token, shown.nonce)).rstrip(b"=").decode()
        if verdict is Refresh.ROTATE:
            throttles.count_or_refuse(session, throttles.of_session(session_id))
            _rotate(session, shown, successor)
        return _tokens(authority, shown.user_id, membership, shown.sid, successor)


def _rotate(session: Session, shown: RefreshToken, successor: str) -> None:
    session.run(_USE_TOKEN, token_id=shown.id)
    session.run(_USE_SESSION, session_id=shown.session_id)
    expires_at = min(shown.state.now + rules.REFRESH_IDLE, shown.state.session_ends)
    _store(session, successor, session_id=shown.session_id, parent_id=shown.id, expires_at=expires_at)


def _store(session: Session, token: str, *, session_id: int, parent_id: int | None, expires_at: datetime) -> None:
    session.run(
        _ADD_TOKEN,
        session_id=session_id,
        parent_id=parent_id,
        token_hash=rules.token_hash(token),
        nonce=secrets.token_bytes(32),
        expires_at=expires_at,
    )


def _end(session: Session, shown: RefreshToken, reason: str) -> None:
    """End the session and with it every token of the family; tell the user if somebody else seems to have a token."""
    ended_sessions.end_session(session, shown.user_id, shown.session_id, reason)
    if reason == "refresh_token_reused":
        security.note(session, reason, user_id=shown.user_id, detail={"session_id": shown.session_id})
        letters.warn_of_reuse(session, shown.user_id)


def _tokens(authority: Authority, user_id: int, membership: Membership, sid: str, refresh_token: str) -> Tokens:
    claims = rules.claims_of(
        issuer=authority.issuer,
        audience=authority.audience,
        user_id=user_id,
        company_id=tenant(),
        role=membership.role,
        scope=rules.scope_of(membership.permissions),
        session_id=sid,
        token_id=new_id(),
        epoch=membership.token_epoch,
        now=datetime.now(UTC),
    )
    return Tokens(tenant(), authority.keys.signer().sign(claims), refresh_token)


def refuse_closed(membership: Membership) -> None:
    if membership.company_status != "active":
        raise Forbidden(f"company_{membership.company_status}", f"This company is {membership.company_status}.")
