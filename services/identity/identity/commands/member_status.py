"""What becomes of members: suspended, deactivated, active again, or gone."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, literal_column, select

from chassis.context import current, tenant
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from chassis.events import EventType
from identity import events
from identity.commands import api_keys, ended_sessions, guards, preferences, revocations, saved_views
from identity.commands.acting import working_for
from identity.commands.members import Member, lock_member, lock_membership, write_member
from identity.models import api_keys as api_keys_table
from identity.models import user_companies, users
from identity.queries.members import RECORDS
from identity.queries.memberships import Workplace, list_workplaces
from identity.rules import TRANSFERABLE

_LIVE_KEYS = Prepared(
    select(api_keys_table.c.id, api_keys_table.c.version)
    .where(
        of_tenant(api_keys_table),
        api_keys_table.c.user_id == bindparam("of_user", type_=BigInteger),
        api_keys_table.c.revoked_at.is_(None),
    )
    .order_by(api_keys_table.c.id)
    .with_for_update()
)
_ACTIVE_AMONG = Prepared(
    select(user_companies.c.user_id)
    .join_from(user_companies, users, users.c.id == user_companies.c.user_id)
    .where(
        of_tenant(user_companies),
        user_companies.c.user_id == any_(bindparam("of_users", type_=ARRAY(BigInteger))),
        user_companies.c.status == literal_column("'active'"),
        users.c.is_active,
    )
)


def suspend_member(session: Session, user_id: int) -> None:
    """Sign a member out and keep them out, for now; what is theirs stays theirs.

    Raises NotFound, Forbidden, Conflict.
    """
    member = lock_member(session, user_id)
    _refuse_status(member, "suspended", "deactivated")
    _refuse_loss(session, member)
    _send_away(session, events.USER_COMPANY_SUSPENDED, member, {"status": "suspended"})


def deactivate_member(session: Session, user_id: int, transfer: Mapping[str, Mapping[str, Any]]) -> None:
    """Sign a member out for good, and say to whom their records go; kinds that are not named stay where they are.

    The services that have the records read the plan from the event. Raises NotFound, Forbidden, Conflict, and Invalid
    for a plan that names somebody who is no active member.
    """
    member = lock_member(session, user_id)
    _refuse_status(member, "deactivated")
    _refuse_loss(session, member)
    plan = {kind: dict(transfer.get(kind, {"keep": True})) for kind in TRANSFERABLE}
    _refuse_inactive(session, user_id, plan)
    values = {"status": "deactivated", "transfer_plan": plan}
    _send_away(session, events.USER_COMPANY_DEACTIVATED, member, values)


def activate_member(session: Session, user_id: int) -> None:
    """Let a suspended or deactivated member work again. Raises NotFound, Forbidden, Conflict."""
    member = lock_member(session, user_id)
    _refuse_status(member, "active")
    guards.refuse_superior(session, guards.get_giver(session), user_id)
    write_member(session, events.USER_COMPANY_ACTIVATED, member, {"status": "active", "transfer_plan": None})
    revocations.revoke_user(session, user_id)


def remove_member(session: Session, user_id: int, version: int) -> None:
    """End a membership; the user lives on in their other companies, of which one becomes the primary if this one was.

    Raises NotFound, PreconditionFailed, Forbidden, and Conflict for a user who would have no company left.
    """
    member = lock_member(session, user_id, version)
    _refuse_loss(session, member, by_oneself=True)
    others = [place for place in list_workplaces(session, user_id) if place.company_id != tenant()]
    if not others:
        raise Conflict("last_company", "A user belongs to one company at least; deactivate this one instead.")
    end_access(session, user_id, "member_removed")
    RECORDS.delete(session, events.USER_COMPANY_REMOVED, member.record)
    if member.state["is_primary"]:
        name_primary(session, user_id, others)


def end_access(session: Session, user_id: int, reason: str) -> None:
    """End the sessions, keys and tokens that go with a membership before it goes, so that the audit log knows."""
    ended_sessions.end_sessions_of_member(session, user_id, reason)
    for key_id, key_version in session.fetch(_LIVE_KEYS, of_user=user_id):
        api_keys.revoke_api_key(session, key_id, key_version)
    saved_views.leave_views(session, user_id)
    preferences.forget_preferences(session, user_id)
    revocations.revoke_user(session, user_id)


def name_primary(session: Session, user_id: int, others: Sequence[Workplace]) -> None:
    """Make one of the other companies of a user the primary one, after that was left: an open one, if there is any."""
    heir = next((place for place in others if place.is_open), others[0])
    with working_for(session, heir.company_id, current().user_id):
        write_member(session, events.USER_COMPANY_UPDATED, lock_membership(session, user_id), {"is_primary": True})


def _refuse_status(member: Member, *statuses: str) -> None:
    status = member.state["status"]
    if status in statuses:
        raise Conflict(f"member_{status}", f"This member is {status} already.")


def _refuse_loss(session: Session, member: Member, *, by_oneself: bool = False) -> None:
    """Raise Conflict or Forbidden where the company, or the member, may not be deprived of the other by the caller."""
    if member.is_acting_admin:
        guards.keep_an_admin(session, member.user_id)
    guards.refuse_superior(session, guards.get_giver(session), member.user_id)
    if member.is_caller and not by_oneself:
        raise Conflict("own_membership", "Nobody can shut themselves out; ask another admin.")


def _refuse_inactive(session: Session, user_id: int, plan: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise Invalid for those in a plan who are no active members; under the company's lock that holds to the end."""
    named: dict[str, int] = {}
    for kind, way in plan.items():
        if "to" in way:
            named[f"/transfer/{kind}/to"] = way["to"]
        for index, target in enumerate(way.get("round_robin", ())):
            named[f"/transfer/{kind}/round_robin/{index}"] = target
    active = active_among(session, named.values()) - {user_id}
    detail = "This is no other active member of the company."
    faults = tuple(
        FieldError(pointer, "inactive_user", detail) for pointer, target in named.items() if target not in active
    )
    if faults:
        raise Invalid("inactive_user", "Records go to active members of the company alone.", faults)


def active_among(session: Session, user_ids: Collection[int]) -> set[int]:
    """Those of the users who are active members; under the company's lock they stay so."""
    return {row[0] for row in session.fetch(_ACTIVE_AMONG, of_users=sorted(set(user_ids)))}


def _send_away(session: Session, event_type: EventType, member: Member, values: Mapping[str, Any]) -> None:
    write_member(session, event_type, member, values)
    ended_sessions.end_sessions_of_member(session, member.user_id, f"member_{values['status']}")
    revocations.revoke_user(session, member.user_id)
