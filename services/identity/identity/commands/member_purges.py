"""Members who go for good: the membership with all that is known of it, and with the last one the person.

The events say who they were by number alone. What the other services keep of the member goes by these events
(`chassis.purges`).
"""

from typing import Any

import orjson
from sqlalchemy import BigInteger, bindparam, func, insert, literal_column, select

from chassis.context import current, tenant
from chassis.db import outbox
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.errors import Conflict, FieldError, Invalid
from chassis.events import EventType
from identity import events
from identity.commands import guards, member_status, throttles
from identity.commands.locking import lock_user
from identity.commands.members import Member, lock_member
from identity.models import member_purges, user_companies
from identity.queries.memberships import list_workplaces
from identity.queries.users import get_user

# What takes the place of a profile. No address is empty, so nobody can take this one for somebody's.
FORMER = {
    "first_name": "Former",
    "last_name": "user",
    "email": "",
    "phone": None,
    "avatar": None,
    "is_active": False,
    "is_verified": False,
}
_FORMER_USER = {**FORMER, "name": "Former user", "last_login": None}

# The function of migration 0006, since rows in other companies are hidden from this one, and no role may delete a user.
_PURGE = Prepared(select(func.purge_member(bindparam("of_user", type_=BigInteger))), writes=True)

_NEXT = Prepared(
    select(user_companies.c.user_id, user_companies.c.is_primary)
    .where(of_tenant(user_companies))
    .order_by(user_companies.c.id)
    .limit(literal_column("1"))
)

_NOTE = Prepared(
    insert(member_purges).values(
        named_values(member_purges, ("user_id", "transfer_to", "activities", "created_by", "event_id"))
    )
)


def lock_purgeable(session: Session, user_id: int, version: int, transfer_to: int | None) -> Member:
    """A deactivated member whom the caller may purge, with the company under its lock.

    Raises NotFound, PreconditionFailed, Forbidden, Conflict, and Invalid for records that go to no active member.
    """
    member = lock_member(session, user_id, version)
    if member.is_caller:
        raise Conflict("own_membership", "Nobody can purge themselves; ask another admin.")
    guards.refuse_superior(session, guards.get_giver(session, guards.PURGE), user_id)
    if member.state["status"] != "deactivated":
        raise Conflict("member_not_deactivated", "Only a deactivated member can be purged; deactivate this one first.")
    if transfer_to is not None and not member_status.active_among(session, {transfer_to}) - {user_id}:
        detail = "This is no other active member of the company."
        raise Invalid(
            "inactive_user",
            "Records go to active members of the company alone.",
            (FieldError("/transfer_to", "inactive_user", detail),),
        )
    return member


def refuse_open_tasks(count: int) -> None:
    """Raise Conflict where there are any."""
    if count:
        detail = f"This member still has {count} open tasks; say in transfer_to who gets them."
        raise Conflict("open_tasks", detail)


def purge_member(session: Session, member: Member, *, transfer_to: int | None, activities: str) -> None:
    """Delete a locked membership with all that is known of the member here, and the person with the last of them."""
    user_id = member.user_id
    others = [place for place in list_workplaces(session, user_id) if place.company_id != tenant()]
    member_status.end_access(session, user_id, "member_purged")
    user = get_user(session, user_id)
    is_last = session.fetch(_PURGE, of_user=user_id)[0][0]
    more = {"transfer_to": transfer_to, "activities": activities}
    former = {**member.state, "user": FORMER, "permissions": None}
    event_id = _record(session, events.USER_COMPANY_PURGED, member.record, former, more)
    session.run(_NOTE, **more, user_id=user_id, created_by=current().user_id, event_id=event_id)
    if is_last:
        forget_throttles(session, user)
        _record(session, events.USER_PURGED, user, {**user.document, **_FORMER_USER})
    elif member.state["is_primary"]:
        member_status.name_primary(session, user_id, others)


def remove_next_member(session: Session) -> int:
    """Do the same with the next member of the tenant, which was purged itself; 0 when there is none.

    Of that no event tells: one told of the company.
    """
    row = session.fetch_one(_NEXT)
    if row is None:
        return 0
    user_id, is_primary = row
    # Under the lock: another of their companies may be on its way out as well.
    lock_user(session, user_id)
    others = [place for place in list_workplaces(session, user_id) if place.company_id != tenant()]
    user = get_user(session, user_id)
    if session.fetch(_PURGE, of_user=user_id)[0][0]:
        forget_throttles(session, user)
    elif is_primary and others:
        member_status.name_primary(session, user_id, others)
    return 1


def forget_throttles(session: Session, user: Record) -> None:
    """Forget how often somebody was wrong of late who is nobody's user any more."""
    throttles.lift(session, throttles.of_account(user.document["email"]))
    throttles.lift(session, throttles.of_password_changes(user.id))


def _record(
    session: Session,
    event_type: EventType,
    before: Record,
    former: dict[str, Any],
    more: dict[str, Any] | None = None,
) -> str:
    """Tell that a record is gone, without what it said of the person; answers the event's id."""
    return outbox.record(
        session,
        event_type,
        source=events.SOURCE,
        record_id=before.id,
        version=before.version + 1,
        before=orjson.dumps(former),
        after=None,
        more=more,
    )
