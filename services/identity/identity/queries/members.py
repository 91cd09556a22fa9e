"""Members: what a user is in the tenant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, func, literal_column, select

from chassis.context import tenant
from chassis.db.json_view import JsonView
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Unauthenticated
from identity.models import companies, user_companies, users
from identity.queries.companies import get_company
from identity.queries.records import Record, record_of
from identity.queries.users import get_user
from identity.rules import permissions_of

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
_MEMBER = Prepared(
    MEMBER.one(
        user_companies.c.company_id == bindparam("company_id", type_=BigInteger),
        user_companies.c.user_id == bindparam("user_id", type_=BigInteger),
    )
)


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


def find_membership(session: Session, user_id: int) -> Membership | None:
    row = session.fetch_one(_MEMBERSHIP, company_id=tenant(), user_id=user_id)
    return None if row is None else Membership(*row)


def get_member(session: Session, user_id: int) -> Record:
    """A membership of the tenant, with what other services need to know of the user. Raises LookupError."""
    return record_of(session.fetch_one(_MEMBER, company_id=tenant(), user_id=user_id))


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
