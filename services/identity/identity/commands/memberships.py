"""The companies of a user: working for another one, and which of them comes first."""

from chassis.context import current
from chassis.db.session import Session
from chassis.errors import Forbidden, NotFound
from identity import events
from identity.commands.acting import working_for
from identity.commands.locking import lock_user
from identity.commands.members import lock_membership, write_member
from identity.commands.sessions import Tokens, refuse_closed
from identity.commands.signing_in import sign_in
from identity.keys import Authority
from identity.queries.members import find_membership
from identity.queries.memberships import Workplace, list_workplaces
from identity.queries.users import get_user


def switch_company(session: Session, authority: Authority, user_id: int, company_id: int) -> Tokens:
    """Sign the caller in to another company of theirs; the session they come from goes on.

    Raises NotFound for a company that is none of theirs, Forbidden where it or their membership is closed.
    """
    _get_workplace(session, user_id, company_id)
    with working_for(session, company_id, user_id):
        try:
            user = get_user(session, user_id, lock=True)
        except LookupError:
            raise _not_found() from None
        membership = find_membership(session, user_id)
        if membership is None or not membership.is_active:
            raise _not_found()
        refuse_closed(membership)
        return sign_in(session, authority, user, membership)


def set_primary_company(session: Session, user_id: int, company_id: int) -> None:
    """Make a company the one that the caller gets into when they name none.

    Both companies hear of it. Raises as `switch_company` does.
    """
    try:
        lock_user(session, user_id)
    except LookupError:
        raise _not_found() from None
    chosen = _get_workplace(session, user_id, company_id)
    if chosen.is_primary:
        return
    primary = [place for place in list_workplaces(session, user_id) if place.is_primary]
    # The old one first: the database lets nobody have two, not even for a moment.
    for place, is_primary in (*((old, False) for old in primary), (chosen, True)):
        with working_for(session, place.company_id, current().user_id):
            member = lock_membership(session, user_id)
            write_member(session, events.USER_COMPANY_UPDATED, member, {"is_primary": is_primary})


def _get_workplace(session: Session, user_id: int, company_id: int) -> Workplace:
    """A company that the caller can work for now. Raises NotFound, Forbidden."""
    found = next((place for place in list_workplaces(session, user_id) if place.company_id == company_id), None)
    if found is None:
        raise _not_found()
    if found.company_status != "active":
        raise Forbidden(f"company_{found.company_status}", f"This company is {found.company_status}.")
    if found.status != "active":
        raise Forbidden(f"member_{found.status}", f"You are {found.status} in this company.")
    return found


def _not_found() -> NotFound:
    return NotFound("company_not_found", "You are no member of such a company.")
