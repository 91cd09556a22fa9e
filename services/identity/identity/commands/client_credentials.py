"""API keys exchanged for access tokens: OAuth 2.0 client credentials (RFC 6749, 4.4)."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Interval, bindparam, func, or_, select, update

from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import BadRequest
from chassis.events import new_id
from identity import rules
from identity.commands.acting import working_for
from identity.commands.security import note
from identity.keys import Authority
from identity.models import api_keys, security_events
from identity.queries.api_keys import RECORDS, FoundKey, KeyState, find_api_key, find_key_state
from identity.queries.members import Membership, find_membership

# A busy key is noted once in this time, and a refused one too: a use is no reason for a write.
QUIET = timedelta(minutes=1)
USED, REFUSED = "api_key_used", "api_key_refused"
_NOBODYS_HASH = bytes(32)

# The version stays, because a key in use must be revocable by the version that was seen a moment ago.
_TOUCH = Prepared(
    update(api_keys)
    .where(
        *RECORDS.this,
        or_(
            api_keys.c.last_used_at.is_(None),
            api_keys.c.last_used_at < func.now() - bindparam("quiet", QUIET, Interval()),
        ),
    )
    .values(last_used_at=func.now())
)
_NOTED = Prepared(
    select(func.count()).where(
        of_tenant(security_events),
        security_events.c.created_at > func.now() - bindparam("quiet", QUIET, Interval()),
        security_events.c.kind == bindparam("of_kind", type_=security_events.c.kind.type),
        security_events.c.detail.contains(bindparam("of_detail", type_=security_events.c.detail.type)),
    )
)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An access token for a machine (RFC 6749, 5.1): without a refresh token, because the key is one."""

    access_token: str = field(repr=False)
    expires_in: int
    scope: str

    def document(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "token_type": "Bearer",
            "expires_in": self.expires_in,
            "scope": self.scope,
        }


def exchange(
    session: Session, authority: Authority, prefix: str, key: str, wanted: Collection[str] | None
) -> Exchanged | None:
    """An access token for an API key; None for a key that is not good, which may have been noted and must be committed.

    `wanted` narrows the scope. Nothing tells an unknown prefix from a wrong secret, not even the time: both take one
    statement and one comparison. Raises BadRequest for a scope beyond the key's and for a company that is closed.
    """
    found = find_api_key(session, prefix if rules.API_KEY_PREFIX.match(prefix) else "")
    matches = hmac.compare_digest(rules.token_hash(key), _NOBODYS_HASH if found is None else found.secret_hash)
    if found is None or not matches:
        return None
    with working_for(session, found.company_id, found.user_id):
        state = find_key_state(session, found.id)
        membership = find_membership(session, found.user_id)
        if state is None:
            return None
        reason = _why_not(state, membership)
        if reason is not None or membership is None:
            _note_refusal(session, found, state, reason)
            return None
        _refuse_closed(membership)
        scope = _scope(state, membership, wanted)
        if session.run(_TOUCH, of_id=found.id) > 0:
            note(session, USED, user_id=found.user_id, detail={"api_key_id": found.id, "prefix": state.prefix})
        return _sign(authority, found, state, membership, scope)


def _why_not(state: KeyState, membership: Membership | None) -> str | None:
    """Why a key is good no longer; None while it is."""
    if state.revoked_at is not None:
        return "revoked"
    if state.expires_at is not None and state.expires_at <= state.now:
        return "expired"
    return None if membership is not None and membership.is_active else "member_inactive"


def _note_refusal(session: Session, found: FoundKey, state: KeyState, reason: str | None) -> None:
    """Note that somebody still has a key that is good no longer; who only guesses at one is not noted."""
    detail = {"api_key_id": found.id, "prefix": state.prefix, "reason": reason}
    noted = session.fetch(_NOTED, of_kind=REFUSED, of_detail={"api_key_id": found.id})[0][0]
    if not noted:
        note(session, REFUSED, user_id=found.user_id, detail=detail)


def _refuse_closed(membership: Membership) -> None:
    status = membership.company_status
    if status != "active":
        members = {"error": "unauthorized_client"}
        raise BadRequest(f"company_{status}", f"This company is {status}.", members=members)


def _scope(state: KeyState, membership: Membership, wanted: Collection[str] | None) -> str:
    """What the token may do: what the key may, what its member may now, and what was asked for (RFC 6749, 3.3)."""
    scopes = state.scopes if wanted is None else wanted
    if not set(scopes) <= set(state.scopes):
        detail = "The API key does not hold all of this scope."
        raise BadRequest("invalid_scope", detail, members={"error": "invalid_scope"})
    return rules.scope_of(rules.key_permissions(scopes, membership.permissions))


def _sign(authority: Authority, found: FoundKey, state: KeyState, membership: Membership, scope: str) -> Exchanged:
    life = rules.ACCESS_TOKEN_LIFE
    if state.expires_at is not None:
        life = min(life, state.expires_at - state.now)
    claims = rules.claims_of(
        issuer=authority.issuer,
        audience=authority.audience,
        user_id=found.user_id,
        company_id=found.company_id,
        role=rules.API_KEY_ROLE,
        scope=scope,
        session_id=state.sid,
        token_id=new_id(),
        epoch=membership.token_epoch,
        now=state.now,
        life=life,
    )
    return Exchanged(authority.keys.signer().sign(claims), claims["exp"] - claims["iat"], scope)
