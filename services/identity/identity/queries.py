"""Everything that identity reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, Text, bindparam, column, func, literal_column, select

from chassis.context import tenant
from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Unauthenticated
from identity.models import companies, refresh_tokens, sessions, user_companies, users
from identity.rules import RefreshState, permissions_of

COMPANY = JsonView(
    companies,
    (
        "id",
        "version",
        "name",
        "logo",
        "email",
        "phone",
        "address",
        "city",
        "state",
        "country",
        "zip_code",
        "website",
        "industry",
        "company_size",
        "status",
        "subscription_plan",
        "subscription_start",
        "subscription_end",
        "default_currency",
        "time_zone",
        "region",
        "settings",
        "created_at",
        "updated_at",
    ),
)
# Without password_hash and token_epoch: what this view shows is answered, published and audited.
USER = JsonView(
    users,
    (
        "id",
        "version",
        "email",
        "first_name",
        "last_name",
        "name",
        "phone",
        "avatar",
        "role",
        "is_active",
        "is_verified",
        "last_login",
        "created_at",
        "updated_at",
    ),
    extra=[(users.c.first_name + " " + users.c.last_name).label("name")],
)
# A new membership tells the other services whom it is about, because they keep references to the users of a company and
# hear of them by no other event that is sure to carry this company's id.
MEMBER = JsonView(
    user_companies,
    (
        "id",
        "company_id",
        "version",
        "user_id",
        "role",
        "is_primary",
        "permissions",
        "joined_at",
        "created_at",
        "updated_at",
        "user",
    ),
    extra=[
        select(
            func.json_build_object(
                literal_column("'first_name'"),
                users.c.first_name,
                literal_column("'last_name'"),
                users.c.last_name,
                literal_column("'email'"),
                users.c.email,
                literal_column("'is_active'"),
                users.c.is_active,
            )
        )
        .where(users.c.id == user_companies.c.user_id)
        .correlate(user_companies)
        .scalar_subquery()
        .label("user")
    ],
)

# Signing in and refreshing begin without a tenant, where row-level security shows nothing: each has one function of the
# owner's that looks behind it and answers no more than it takes to know whose transaction this is (migration 0001).
_LOGIN = Prepared(
    select(column("user_id"), column("password_hash"), column("is_active"), column("company_id")).select_from(
        func.find_login(bindparam("email", type_=Text), bindparam("company_id", type_=BigInteger)).table_valued(
            "user_id", "password_hash", "is_active", "company_id"
        )
    )
)
_FAMILY = Prepared(
    select(column("company_id"), column("session_id")).select_from(
        func.find_refresh_token(bindparam("token_hash", type_=LargeBinary)).table_valued("company_id", "session_id")
    )
)
_MEMBERSHIP = Prepared(
    select(
        user_companies.c.role,
        user_companies.c.permissions,
        companies.c.status,
        users.c.is_active,
        users.c.token_epoch,
    )
    .join_from(user_companies, users, users.c.id == user_companies.c.user_id)
    .join(companies, companies.c.id == user_companies.c.company_id)
    .where(
        user_companies.c.company_id == bindparam("company_id", type_=BigInteger),
        user_companies.c.user_id == bindparam("user_id", type_=BigInteger),
    )
)
_IN_TENANT = (
    select(user_companies.c.id)
    .where(
        user_companies.c.user_id == users.c.id,
        user_companies.c.company_id == bindparam("company_id", type_=BigInteger),
    )
    .exists()
)
_THE_USER = users.c.id == bindparam("user_id", type_=BigInteger)
_USER = Prepared(USER.one(_THE_USER, _IN_TENANT))
_USER_LOCKED = Prepared(USER.one(_THE_USER, _IN_TENANT, lock=True))
_THE_COMPANY = Prepared(COMPANY.one(companies.c.id == bindparam("company_id", type_=BigInteger)))
_MEMBER = Prepared(
    MEMBER.one(
        user_companies.c.company_id == bindparam("company_id", type_=BigInteger),
        user_companies.c.user_id == bindparam("user_id", type_=BigInteger),
    )
)
_SESSION_LOCKED = Prepared(
    select(sessions.c.sid, sessions.c.user_id, sessions.c.expires_at, sessions.c.ended_at)
    .where(
        sessions.c.company_id == bindparam("company_id", type_=BigInteger),
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
        refresh_tokens.c.company_id == bindparam("company_id", type_=BigInteger),
        refresh_tokens.c.token_hash == bindparam("token_hash", type_=LargeBinary),
    )
)


@dataclass(frozen=True, slots=True)
class Login:
    """Whose an e-mail address is, and the company they would work for (None: no member of the one asked for)."""

    user_id: int
    password_hash: str
    is_active: bool
    company_id: int | None


@dataclass(frozen=True, slots=True)
class Membership:
    """What a user is in the tenant."""

    role: str
    custom_permissions: Mapping[str, Sequence[str]] | None
    company_status: str
    is_active: bool
    token_epoch: int

    @property
    def permissions(self) -> frozenset[str]:
        return permissions_of(self.role, self.custom_permissions)


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


@dataclass(frozen=True, slots=True)
class Record:
    """A record's JSON and version."""

    json: bytes
    id: int
    version: int


def find_login(session: Session, email: str, company_id: int | None) -> Login | None:
    """The user of an e-mail address in any case, of any tenant; None when there is none."""
    row = session.fetch_one(_LOGIN, email=email, company_id=company_id)
    return None if row is None else Login(*row)


def find_family(session: Session, token_hash: bytes) -> tuple[int, int] | None:
    """The tenant and the session that a refresh token belongs to; None when it was never issued."""
    row = session.fetch_one(_FAMILY, token_hash=token_hash)
    return None if row is None else (row[0], row[1])


def find_membership(session: Session, user_id: int) -> Membership | None:
    row = session.fetch_one(_MEMBERSHIP, company_id=tenant(), user_id=user_id)
    return None if row is None else Membership(*row)


def get_user(session: Session, user_id: int, *, lock: bool = False) -> Record:
    """A user of the tenant; with `lock` under the row's lock. Raises LookupError."""
    return _record(session.fetch_one(_USER_LOCKED if lock else _USER, company_id=tenant(), user_id=user_id))


def get_company(session: Session) -> Record:
    """The tenant itself. Raises LookupError."""
    return _record(session.fetch_one(_THE_COMPANY, company_id=tenant()))


def get_member(session: Session, user_id: int) -> Record:
    """A membership of the tenant, with what other services need to know of the user. Raises LookupError."""
    return _record(session.fetch_one(_MEMBER, company_id=tenant(), user_id=user_id))


def lock_refresh_token(session: Session, session_id: int, token_hash: bytes) -> RefreshToken | None:
    """Wait for the session's lock, then read the token as it is now; None when either is gone meanwhile."""
    family = session.fetch_one(_SESSION_LOCKED, company_id=tenant(), session_id=session_id)
    token = session.fetch_one(_TOKEN, company_id=tenant(), token_hash=token_hash)
    if family is None or token is None:
        return None
    sid, user_id, session_ends, ended_at = family
    token_id, nonce, expires_at, used_at, successor_used_at, now = token
    state = RefreshState(now, session_ends, ended_at, expires_at, used_at, successor_used_at)
    return RefreshToken(token_id, bytes(nonce), session_id, str(sid), user_id, state)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the caller is, as of now and not as of the token."""

    user: bytes
    company: bytes
    role: str
    permissions: Sequence[str]


def get_identity(session: Session, user_id: int) -> Identity:
    """The caller, their company and what they may do in it. Raises Unauthenticated for who is no longer a member."""
    membership = find_membership(session, user_id)
    if membership is None or not membership.is_active:
        raise Unauthenticated(
            "invalid_token",
            "The access token is not valid or has expired.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    return Identity(
        user=get_user(session, user_id).json,
        company=get_company(session).json,
        role=membership.role,
        permissions=sorted(membership.permissions),
    )


def _record(row: tuple[Any, ...] | None) -> Record:
    if row is None:
        raise LookupError("no such record in this tenant")
    return Record(*row)
