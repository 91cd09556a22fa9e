"""Everything that changes identity: registering a company, signing in, refreshing."""

import secrets
from base64 import urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy import BigInteger, bindparam, func, insert, select, update

from chassis.context import acting_as, current, tenant
from chassis.db.session import Session, set_tenant
from chassis.db.statements import Prepared
from chassis.errors import Forbidden, Unauthenticated
from chassis.events import new_id
from identity import events, queries, rules
from identity.keys import Authority
from identity.models import companies, refresh_tokens, sessions, user_companies, users
from identity.queries import COMPANY, USER, Membership, RefreshToken
from identity.rules import Refresh

# What a registering company may say of itself; status and subscription are not its own to set.
COMPANY_FIELDS = (
    "name",
    "email",
    "logo",
    "phone",
    "address",
    "city",
    "state",
    "country",
    "zip_code",
    "website",
    "industry",
    "company_size",
    "default_currency",
    "time_zone",
    "region",
)
FOUNDER_ROLE = "admin"

_COMPANY_ID = Prepared(select(func.nextval("companies_id_seq")))
_USER_ID = Prepared(select(func.nextval("users_id_seq")))
_ADD_COMPANY = Prepared(
    COMPANY.returning(
        insert(companies).values(
            {name: bindparam(name, type_=companies.c[name].type) for name in ("id", *COMPANY_FIELDS)}
        )
    )
)
_USER_FIELDS = ("id", "email", "password_hash", "first_name", "last_name", "phone")
# Without RETURNING: a user is visible through a membership, which does not exist yet.
_ADD_USER = Prepared(insert(users).values({name: bindparam(name, type_=users.c[name].type) for name in _USER_FIELDS}))
_ADD_MEMBER = Prepared(
    insert(user_companies).values(
        {
            name: bindparam(name, type_=user_companies.c[name].type)
            for name in ("company_id", "user_id", "role", "is_primary")
        }
    )
)
_SIGN_IN = Prepared(
    USER.returning(
        update(users)
        .where(users.c.id == bindparam("user_id", type_=BigInteger))
        .values(last_login=func.now(), version=users.c.version + 1, updated_at=func.now())
    )
)
_SESSION_FIELDS = ("company_id", "sid", "user_id", "ip_address", "user_agent", "expires_at")
_ADD_SESSION = Prepared(
    insert(sessions)
    .values({name: bindparam(name, type_=sessions.c[name].type) for name in _SESSION_FIELDS})
    .returning(sessions.c.id)
)
_THIS_SESSION = (
    sessions.c.company_id == bindparam("tenant", type_=BigInteger),
    sessions.c.id == bindparam("session_id", type_=BigInteger),
)
_USE_SESSION = Prepared(
    update(sessions)
    .where(*_THIS_SESSION)
    .values(last_used_at=func.clock_timestamp(), version=sessions.c.version + 1, updated_at=func.now())
)
_END_SESSION = Prepared(
    update(sessions)
    .where(*_THIS_SESSION, sessions.c.ended_at.is_(None))
    .values(
        ended_at=func.clock_timestamp(),
        end_reason=bindparam("end_reason", type_=sessions.c.end_reason.type),
        version=sessions.c.version + 1,
        updated_at=func.now(),
    )
)
_TOKEN_FIELDS = ("company_id", "session_id", "parent_id", "token_hash", "nonce", "expires_at")
_ADD_TOKEN = Prepared(
    insert(refresh_tokens).values({name: bindparam(name, type_=refresh_tokens.c[name].type) for name in _TOKEN_FIELDS})
)
_USE_TOKEN = Prepared(
    update(refresh_tokens)
    .where(
        refresh_tokens.c.company_id == bindparam("tenant", type_=BigInteger),
        refresh_tokens.c.id == bindparam("token_id", type_=BigInteger),
    )
    .values(used_at=func.clock_timestamp(), version=refresh_tokens.c.version + 1, updated_at=func.now())
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a client gets to go on with (RFC 6749, 5.1)."""

    access_token: str
    refresh_token: str

    def document(self) -> dict[str, Any]:
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "token_type": "Bearer",
            "expires_in": int(rules.ACCESS_TOKEN_LIFE.total_seconds()),
        }


@dataclass(frozen=True, slots=True)
class Registration:
    """A new company, its first user, and the tokens that this user begins with."""

    company: bytes
    user: bytes
    tokens: Tokens


def register(
    session: Session, authority: Authority, company: Mapping[str, Any], user: Mapping[str, Any]
) -> Registration:
    """Create a company and its first user, who is its admin. Raises Invalid for a password that cannot be taken."""
    secret = rules.check_new_password(user["password"])
    # Before the first statement: a connection must not wait in a transaction for a hash.
    password_hash = authority.passwords.hash(secret)
    company_id = session.fetch(_COMPANY_ID)[0][0]
    user_id = session.fetch(_USER_ID)[0][0]
    with _working_for(session, company_id, user_id):
        document, _, company_version = session.fetch(
            _ADD_COMPANY, id=company_id, **{name: company.get(name) for name in COMPANY_FIELDS}
        )[0]
        names = ("email", "first_name", "last_name", "phone")
        session.run(_ADD_USER, id=user_id, password_hash=password_hash, **{name: user.get(name) for name in names})
        session.run(_ADD_MEMBER, company_id=company_id, user_id=user_id, role=FOUNDER_ROLE, is_primary=True)
        founder = queries.get_user(session, user_id)
        member = queries.get_member(session, user_id)
        events.created(session, events.COMPANY_CREATED, record_id=company_id, version=company_version, after=document)
        events.created(session, events.USER_CREATED, record_id=user_id, version=founder.version, after=founder.json)
        events.created(
            session, events.USER_COMPANY_CREATED, record_id=member.id, version=member.version, after=member.json
        )
        membership = queries.find_membership(session, user_id)
        assert membership is not None
        return Registration(document, founder.json, _open_session(session, authority, user_id, membership))


def log_in(session: Session, authority: Authority, email: str, password: str, company_id: int | None) -> Tokens:
    """Sign a user in to a company of theirs: the one asked for, else their primary one.

    Raises Unauthenticated, with one text for everything that is wrong with the pair, the account or the membership; and
    Forbidden for a company that is closed, because that is said only to a member with the right password.
    """
    login = queries.find_login(session, email, company_id)
    matches = authority.passwords.matches(password, None if login is None else login.password_hash)
    if login is None or not matches or not login.is_active or login.company_id is None:
        raise _invalid_credentials()
    with _working_for(session, login.company_id, login.user_id):
        membership = queries.find_membership(session, login.user_id)
        if membership is None or not membership.is_active:
            raise _invalid_credentials()
        _refuse_closed(membership)
        before = queries.get_user(session, login.user_id, lock=True)
        after, _, version = session.fetch(_SIGN_IN, user_id=login.user_id)[0]
        events.user_signed_in(session, user_id=login.user_id, version=version, before=before.json, after=after)
        return _open_session(session, authority, login.user_id, membership)


def refresh(session: Session, authority: Authority, token: str) -> Tokens | None:
    """Exchange a refresh token for new tokens; None when it is refused.

    A refusal is answered and not raised, because it may have ended the session, and that must be committed.
    Raises Forbidden, changing nothing, while the company is closed.
    """
    token_hash = rules.token_hash(token)
    family = queries.find_family(session, token_hash)
    if family is None:
        return None
    company_id, session_id = family
    with _working_for(session, company_id, None):
        shown = queries.lock_refresh_token(session, session_id, token_hash)
        if shown is None:
            return None
        membership = queries.find_membership(session, shown.user_id)
        verdict = rules.judge_refresh(shown.state)
        if verdict is Refresh.EXPIRED:
            return None
        if verdict is Refresh.REUSED or membership is None or not membership.is_active:
            _end(session, shown, "refresh_token_reused" if verdict is Refresh.REUSED else "user_inactive")
            return None
        _refuse_closed(membership)
        successor = urlsafe_b64encode(rules.successor_of(token, shown.nonce)).rstrip(b"=").decode()
        if verdict is Refresh.ROTATE:
            _rotate(session, shown, successor)
        return _tokens(authority, shown.user_id, membership, shown.sid, successor)


@contextmanager
def _working_for(session: Session, company_id: int, user_id: int | None) -> Iterator[None]:
    """Go on as a user of a tenant who became known only now: in the context for events, in the transaction for rows."""
    with acting_as(replace(current(), company_id=company_id, user_id=user_id)):
        set_tenant(session, company_id)
        yield


def _open_session(session: Session, authority: Authority, user_id: int, membership: Membership) -> Tokens:
    """Start a family of refresh tokens, of which the first is random."""
    now = datetime.now(UTC)
    sid = new_id()
    token = secrets.token_urlsafe(32)
    context = current()
    session_id = session.fetch(
        _ADD_SESSION,
        company_id=tenant(),
        sid=sid,
        user_id=user_id,
        ip_address=context.client_ip and context.client_ip[:64],
        user_agent=context.user_agent and context.user_agent[:500],
        expires_at=now + rules.SESSION_LIFE,
    )[0][0]
    _store(session, token, session_id=session_id, parent_id=None, expires_at=now + rules.REFRESH_IDLE)
    return _tokens(authority, user_id, membership, sid, token)


def _rotate(session: Session, shown: RefreshToken, successor: str) -> None:
    session.run(_USE_TOKEN, tenant=tenant(), token_id=shown.id)
    session.run(_USE_SESSION, tenant=tenant(), session_id=shown.session_id)
    expires_at = min(shown.state.now + rules.REFRESH_IDLE, shown.state.session_ends)
    _store(session, successor, session_id=shown.session_id, parent_id=shown.id, expires_at=expires_at)


def _store(session: Session, token: str, *, session_id: int, parent_id: int | None, expires_at: datetime) -> None:
    session.run(
        _ADD_TOKEN,
        company_id=tenant(),
        session_id=session_id,
        parent_id=parent_id,
        token_hash=rules.token_hash(token),
        nonce=secrets.token_bytes(32),
        expires_at=expires_at,
    )


def _end(session: Session, shown: RefreshToken, reason: str) -> None:
    """End the session and with it every token of the family."""
    log.warning("session_ended", reason=reason, sid=shown.sid, session_user_id=shown.user_id)
    session.run(_END_SESSION, tenant=tenant(), session_id=shown.session_id, end_reason=reason)


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
    return Tokens(authority.keys.signer().sign(claims), refresh_token)


def _refuse_closed(membership: Membership) -> None:
    if membership.company_status != "active":
        raise Forbidden(f"company_{membership.company_status}", f"This company is {membership.company_status}.")


def _invalid_credentials() -> Unauthenticated:
    return Unauthenticated("invalid_credentials", "E-mail address, password or company is not right.")
