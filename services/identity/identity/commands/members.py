"""Members: their profile, which is the user's, and their role and permissions, which are the company's."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, bindparam, func, or_, update

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Forbidden, NotFound
from chassis.events import EventType
from identity import events
from identity.commands import guards, revocations
from identity.commands.acting import working_for
from identity.commands.locking import lock_company, lock_user
from identity.models import users
from identity.queries.members import RECORDS, get_member
from identity.queries.memberships import list_workplaces
from identity.queries.users import RECORDS as USERS
from identity.queries.users import get_user

PROFILE_FIELDS = ("first_name", "last_name", "phone", "avatar")
COMPANY_FIELDS = ("role", "permissions")


@dataclass(frozen=True, slots=True)
class Member:
    """A membership under its lock, as it stands before a change."""

    user_id: int
    record: Record
    state: Mapping[str, Any]

    @property
    def is_acting_admin(self) -> bool:
        """Whether the company would be an admin short without this member."""
        works = self.state["status"] == "active" and self.state["user"]["is_active"]
        return bool(works and guards.is_admin(self.state["role"], self.state["permissions"]))

    @property
    def is_caller(self) -> bool:
        return self.user_id == current().user_id


def update_member(session: Session, user_id: int, version: int, values: Mapping[str, Any]) -> None:
    """Change a member's profile, role and permissions, as far as the caller may.

    The profile is the user's own, in all their companies: they change it themselves, and an admin for them only while
    they work for this company alone. Raises NotFound, PreconditionFailed, Forbidden, and Conflict for the last admin.
    """
    profile = {name: values[name] for name in PROFILE_FIELDS if name in values}
    company = {name: values[name] for name in COMPANY_FIELDS if name in values}
    is_own = user_id == current().user_id
    if (company or not is_own) and guards.WRITE not in current().permissions:
        raise Forbidden("permission_missing", f"This needs the permission {guards.WRITE}.")
    member = lock_member(session, user_id, version)
    if company:
        _change_role(session, member, company)
    elif not is_own:
        guards.refuse_superior(session, guards.get_giver(session), user_id)
    if profile or not company:
        if not is_own and len(list_workplaces(session, user_id)) > 1:
            raise Forbidden(
                "profile_is_their_own", "This user works for other companies too and changes it themselves."
            )
        write_profile(session, user_id, profile)


def _change_role(session: Session, member: Member, values: Mapping[str, Any]) -> None:
    state = {**member.state, **values}
    if member.is_acting_admin and not guards.is_admin(state["role"], state["permissions"]):
        guards.keep_an_admin(session, member.user_id)
    giver = guards.get_giver(session)
    guards.refuse_superior(session, giver, member.user_id)
    guards.refuse_beyond(giver, state["role"], state["permissions"])
    if state != member.state:
        write_member(session, events.USER_COMPANY_UPDATED, member, values)
        revocations.revoke_user(session, member.user_id)


def lock_member(session: Session, user_id: int, version: int | None = None) -> Member:
    """Lock a user, the company and the membership, in this order. Raises NotFound, PreconditionFailed."""
    try:
        lock_user(session, user_id)
        lock_company(session)
        member = lock_membership(session, user_id)
    except LookupError:
        raise NotFound("user_not_found", "There is no such user in this company.") from None
    RECORDS.refuse_stale(member.record, version)
    return member


def lock_membership(session: Session, user_id: int) -> Member:
    """Lock what a locked user is in the tenant. Raises LookupError."""
    record = get_member(session, user_id, lock=True)
    return Member(user_id, record, record.document)


def write_member(session: Session, event_type: EventType, before: Member, values: Mapping[str, Any]) -> Record:
    """Write `values` over a locked membership (none: only a new version) and record the event with both states."""
    return RECORDS.change(session, event_type, before.record, values, more={})


@contextmanager
def changing_user(session: Session, user_id: int, event_type: EventType = events.USER_UPDATED) -> Iterator[None]:
    """Write to the row of a user of the tenant in this block, and raise its version there; all companies hear of it.

    The row belongs to no company. So the tenant gets one event of the type given, and each company of the user a new
    version of the membership and a `user_company.updated` that shows the user anew. A block that writes nothing changes
    nothing. Raises LookupError.
    """
    lock_user(session, user_id)
    before = get_user(session, user_id)
    actor = current().user_id
    known: dict[int, Member] = {}
    for workplace in list_workplaces(session, user_id):
        with working_for(session, workplace.company_id, actor):
            known[workplace.company_id] = lock_membership(session, user_id)
    yield
    after = get_user(session, user_id)
    if after.version == before.version:
        return
    USERS.record_event(session, event_type, after, before=before)
    for company_id, member in known.items():
        with working_for(session, company_id, actor):
            write_member(session, events.USER_COMPANY_UPDATED, member, {})


_THE_USER = users.c.id == bindparam("of_user", type_=BigInteger)


def write_profile(session: Session, user_id: int, values: Mapping[str, Any]) -> None:
    """Change a user's own row everywhere they work; what is there already is no change."""
    if not values:
        return
    with changing_user(session, user_id):
        session.run(
            _update_user(frozenset(values)), of_user=user_id, **{f"new_{name}": value for name, value in values.items()}
        )


@lru_cache(maxsize=64)
def _update_user(names: frozenset[str]) -> Prepared:
    values = {name: bindparam(f"new_{name}", type_=users.c[name].type) for name in sorted(names)}
    other = or_(*(users.c[name].is_distinct_from(value) for name, value in values.items()))
    statement = update(users).where(_THE_USER, other)
    return Prepared(statement.values(**values, version=users.c.version + 1, updated_at=func.now()))
