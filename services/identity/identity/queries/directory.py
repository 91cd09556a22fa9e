"""The members of the tenant as its API shows them: users, joined with what they are in this company."""

from typing import cast

from sqlalchemy import BigInteger, Table, bindparam, select

from chassis.db.json_view import JsonView
from chassis.db.kinds import BOOLEAN, EMAIL, INTEGER, TEXT, choice_of
from chassis.db.listing import Listing
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from identity.models import user_companies, users
from identity.rules import MEMBER_STATUSES, ROLES

# The id that the API goes by is the user's, because that is what records of other services are assigned to; the version
# is the membership's. A derived table gives lists one table to filter and sort by; PostgreSQL dissolves it into a join.
_directory = (
    select(
        user_companies.c.user_id.label("id"),
        user_companies.c.id.label("membership_id"),
        user_companies.c.company_id,
        user_companies.c.version,
        users.c.email,
        users.c.first_name,
        users.c.last_name,
        (users.c.first_name + " " + users.c.last_name).label("name"),
        users.c.phone,
        users.c.avatar,
        user_companies.c.role,
        user_companies.c.permissions,
        user_companies.c.status,
        user_companies.c.is_primary,
        users.c.is_active,
        users.c.is_verified,
        users.c.last_login,
        user_companies.c.joined_at,
        user_companies.c.created_at,
        user_companies.c.updated_at,
    )
    .join_from(user_companies, users, users.c.id == user_companies.c.user_id)
    .subquery("members")
)

# What everybody may know of everybody, so that nobody is told "assigned to 7".
_names = (
    select(
        _directory.c.id,
        _directory.c.company_id,
        _directory.c.version,
        _directory.c.name,
        ((_directory.c.status == "active") & _directory.c.is_active).label("is_active"),
    )
    .select_from(_directory)
    .subquery("names")
)

DIRECTORY = JsonView(cast("Table", _directory), [column.name for column in _directory.c if column.name != "company_id"])

# No filter has an index of its own: a company has members by the hundred, and each list begins with the company.
MEMBERS = Listing(
    DIRECTORY,
    filters={
        "id": INTEGER,
        "role": choice_of(*ROLES),
        "status": choice_of(*MEMBER_STATUSES),
        "email": EMAIL,
        "name": TEXT,
    },
    sorts=("id",),
    default_sort=(("id", False),),
)

NAMES = Listing(
    JsonView(cast("Table", _names), ("id", "version", "name", "is_active")),
    filters={"id": INTEGER, "name": TEXT, "is_active": BOOLEAN},
    sorts=("id",),
    default_sort=(("id", False),),
)

_ENTRY = Prepared(
    DIRECTORY.one(
        of_tenant(_directory),
        _directory.c.id == bindparam("of_user", type_=BigInteger),
    )
)


def get_entry(session: Session, user_id: int) -> Record:
    """A member of the tenant as the API shows them, with the membership's version. Raises NotFound."""
    row = session.fetch_one(_ENTRY, of_user=user_id)
    if row is None:
        raise NotFound("user_not_found", "There is no such user in this company.")
    return Record(*row)
