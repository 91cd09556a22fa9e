"""What no change of members may do: leave a company without an admin, or give more than the giver has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import BigInteger, bindparam, literal_column, select

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, Forbidden
from identity import rules
from identity.models import user_companies, users
from identity.queries.members import find_membership

ADMIN = "admin"
WRITE = "users:write"
PURGE = "users:purge"

_REVOKED = f"""'{{"revoke": ["{WRITE}"]}}'::jsonb"""
# An admin who may not change members cannot mend anything, and so is not counted.
_ANOTHER_ADMIN = Prepared(
    select(user_companies.c.id)
    .join_from(user_companies, users, users.c.id == user_companies.c.user_id)
    .where(
        of_tenant(user_companies),
        user_companies.c.user_id != bindparam("of_user", type_=BigInteger),
        user_companies.c.role == literal_column(f"'{ADMIN}'"),
        user_companies.c.status == literal_column("'active'"),
        user_companies.c.permissions.contains(literal_column(_REVOKED)).is_not(True),
        users.c.is_active,
    )
    .limit(literal_column("1"))
)


@dataclass(frozen=True, slots=True)
class Giver:
    """Who changes a member, as of now and not as of their token.

    `by_role` is what they could do if all could see all: the visibility that narrows a role narrows it for whoever gets
    it too, so it takes nothing from a giver. `held` is what they really have.
    """

    by_role: frozenset[str]
    held: frozenset[str]


def get_giver(session: Session, permission: str = WRITE) -> Giver:
    """The caller, who may change members. Raises Forbidden for who no longer has this permission."""
    user_id = current().user_id
    giver = None if user_id is None else find_giver(session, user_id, permission)
    if giver is None:
        raise Forbidden("permission_missing", f"This needs the permission {permission}.")
    return giver


def find_giver(session: Session, user_id: int, permission: str = WRITE) -> Giver | None:
    """A member who has this permission, None for anybody else."""
    membership = find_membership(session, user_id)
    if membership is None or not membership.is_active or permission not in membership.permissions:
        return None
    return Giver(rules.permissions_of(membership.role, membership.custom_permissions), membership.permissions)


def may_give(giver: Giver, role: str, custom: Mapping[str, Sequence[str]] | None) -> bool:
    """Whether the giver may make somebody a `role` with these permissions."""
    granted = set((custom or {}).get("grant", ()))
    return (
        rules.may_grant(giver.by_role, role, custom)
        and granted <= giver.held
        and rules.is_within_reach(giver.held, role, custom)
    )


def refuse_beyond(giver: Giver, role: str, custom: Mapping[str, Sequence[str]] | None) -> None:
    """Raise Forbidden unless the giver may make somebody a `role` with these permissions."""
    if not may_give(giver, role, custom):
        raise Forbidden("grant_not_held", "Nobody gives a role or a permission that they do not have themselves.")


def refuse_superior(session: Session, giver: Giver, user_id: int) -> None:
    """Raise Forbidden for a member of the tenant who may do what the giver may not."""
    membership = find_membership(session, user_id)
    assert membership is not None
    role, custom = membership.role, membership.custom_permissions
    by_role = rules.permissions_of(role, custom) <= giver.by_role
    if not by_role or not rules.is_within_reach(giver.held, role, custom):
        raise Forbidden("member_outranks", "This member may do more than you; ask somebody who may do as much.")


def keep_an_admin(session: Session, user_id: int) -> None:
    """Raise Conflict unless the tenant has another admin who can act. Ask under the company's lock."""
    if session.fetch_one(_ANOTHER_ADMIN, of_user=user_id) is None:
        raise Conflict("last_admin", "This is the company's last active admin; make somebody else one first.")


def is_admin(role: str, custom: Mapping[str, Sequence[str]] | None) -> bool:
    """Whether somebody of this role and these permissions counts as an admin of the company."""
    return role == ADMIN and WRITE not in (custom or {}).get("revoke", ())
