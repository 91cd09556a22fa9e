"""Members: what a user is in the tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, and_, bindparam, func, literal_column, select

from chassis.context import current
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Unauthenticated
from identity.events import SOURCE
from identity.models import companies, user_companies, users
from identity.queries.companies import get_company_as_seen
from identity.queries.users import get_user, record_of
from identity.rules import PLATFORM_ROLE, permissions_of
from identity.views import USER_COMPANY

_MEMBERSHIP = Prepared(
    select(
        user_companies.c.role,
        users.c.role,
        user_companies.c.permissions,
        companies.c.status,
        func.coalesce(companies.c.settings.op("->>")(literal_column("'visibility'")), "all"),
        # Whoever is suspended here is as good as nobody here, whatever they are elsewhere.
        and_(users.c.is_active, user_companies.c.status == "active"),
        users.c.token_epoch,
        user_companies.c.id,
        user_companies.c.version,
    )
    .join_from(user_companies, users, users.c.id == user_companies.c.user_id)
    .join(companies, companies.c.id == user_companies.c.company_id)
    .where(
        of_tenant(user_companies),
        user_companies.c.user_id == bindparam("user_id", type_=BigInteger),
    )
)
_THE_MEMBER = (
    of_tenant(user_companies),
    user_companies.c.user_id == bindparam("user_id", type_=BigInteger),
)
RECORDS = Records(USER_COMPANY, source=SOURCE, noun="user")
_MEMBER = Prepared(USER_COMPANY.one(*_THE_MEMBER))
_MEMBER_LOCKED = Prepared(USER_COMPANY.one(*_THE_MEMBER, lock=True))


@dataclass(frozen=True, slots=True)
class Membership:
    """What a user is in the tenant, and on the platform."""

    company_role: str
    platform_role: str
    custom_permissions: Mapping[str, Sequence[str]] | None
    company_status: str
    visibility: str
    is_active: bool
    token_epoch: int
    id: int
    version: int

    @property
    def role(self) -> str:
        """The role that counts: the platform's goes before the company's, in every company."""
        return PLATFORM_ROLE if self.platform_role == PLATFORM_ROLE else self.company_role

    @property
    def permissions(self) -> frozenset[str]:
        return permissions_of(self.role, self.custom_permissions, self.visibility)


def find_membership(session: Session, user_id: int) -> Membership | None:
    row = session.fetch_one(_MEMBERSHIP, user_id=user_id)
    return None if row is None else Membership(*row)


def get_member(session: Session, user_id: int, *, lock: bool = False) -> Record:
    """A membership of the tenant as its events show it; with `lock` under the row's lock. Raises LookupError."""
    statement = _MEMBER_LOCKED if lock else _MEMBER
    return record_of(session.fetch_one(statement, user_id=user_id))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the caller is, as of now and not as of the token."""

    user: bytes
    company: bytes
    role: str
    permissions: Sequence[str]
    membership_id: int
    membership_version: int


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
        # A key may do less than its member.
        company=get_company_as_seen(session, whole="companies:read" in membership.permissions & current().permissions),
        role=membership.role,
        permissions=sorted(membership.permissions),
        membership_id=membership.id,
        membership_version=membership.version,
    )
