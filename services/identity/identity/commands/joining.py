"""Joining a company: accepting its invitation, as a new user or as one who works elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, true
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import acting_as, current
from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values
from chassis.errors import Conflict, FieldError, Invalid, NotFound
from identity import events, rules
from identity.commands import devices, emails, guards, login_attempts, one_time_tokens, throttles
from identity.commands.acting import working_for
from identity.commands.invitations import PURPOSE, refuse
from identity.commands.locking import lock_user
from identity.commands.sessions import Tokens, open_session, refuse_closed
from identity.keys import Authority
from identity.models import user_companies, users
from identity.queries.directory import get_entry
from identity.queries.invitations import RECORDS as INVITATIONS
from identity.queries.invitations import Shown, find_by_token
from identity.queries.members import RECORDS as MEMBERS
from identity.queries.members import find_membership, get_member
from identity.queries.memberships import list_workplaces
from identity.queries.users import RECORDS as USERS
from identity.queries.users import Login, find_login, get_user, still_holds

PASSWORD = "/password"  # noqa: S105  # A place in a document, not a password.
NAMES = ("first_name", "last_name")

_USER_ID = Prepared(select(func.nextval("users_id_seq")), writes=True)
_USER_COLUMNS = ("id", "email", "password_hash", *NAMES)
# Whoever got the letter has proven the address. Without RETURNING: a user is visible through a membership, which does
# not exist yet. Where somebody registered the address meanwhile, nothing is added.
_ADD_USER = Prepared(
    upsert(users)
    .values(is_verified=true(), **{name: bindparam(name, type_=users.c[name].type) for name in _USER_COLUMNS})
    .on_conflict_do_nothing()
)
_MEMBER_COLUMNS = ("user_id", "role", "is_primary", "permissions")
_ADD_MEMBER = Prepared(insert(user_companies).values(named_values(user_companies, _MEMBER_COLUMNS)))


@dataclass(frozen=True, slots=True)
class Joined:
    """A new member, and the tokens that they begin with."""

    member: bytes
    tokens: Tokens


def accept_invitation(
    session: Session, authority: Authority, token: str, names: Mapping[str, str], password: str
) -> Joined | None:
    """Make the reader of an invitation's letter a member: a new user with these names, or the user that they are.

    None for a user whose password is another one; that was counted, and must be committed. Raises NotFound and Conflict
    for an invitation that is not open (any more), Invalid for a new user without names or with a password that cannot
    be taken, TooManyRequests after too many wrong passwords, Forbidden while the company is closed.
    """
    company_id = one_time_tokens.find_tenant(session, token)
    if company_id is None:
        raise _not_found()
    with acting_as(replace(current(), company_id=company_id)):
        shown = _check(find_by_token(session, rules.token_hash(token)))
    email = rules.normal_address(shown.email)
    # Not the account's: whoever has the letter is kept out by nobody else's guesses.
    letter, network = throttles.of_acceptance(shown.id), throttles.of_network()
    throttles.refuse_blocked(session, letter, network)
    login = find_login(session, email, None)
    # Passwords are hashed and compared before the transaction: a connection must not wait for a hash.
    if login is None:
        _refuse_nameless(names)
        password_hash = authority.passwords.hash(rules.check_new_password(password, PASSWORD))
        user_id = session.fetch(_USER_ID)[0][0]
    elif authority.passwords.matches(password, login.password_hash) and login.is_active:
        user_id, password_hash = login.user_id, None
    else:
        throttles.count_or_refuse(session, letter, network)
        throttles.count(session, throttles.of_account(email))
        login_attempts.put_down(session, "sign_in_failed", email)
        return None
    with working_for(session, company_id, user_id):
        invitation = INVITATIONS.get(session, shown.id, lock=True)
        shown = _check(find_by_token(session, rules.token_hash(token)))
        if one_time_tokens.redeem(session, token, PURPOSE) is None:
            raise _not_found()
        _refuse_powerless_sender(session, invitation.document)
        if password_hash is not None:
            _add_user(session, user_id, shown.email, password_hash, names)
        _add_member(session, user_id, invitation.document, is_new=login is None)
        if login is not None:
            _recognise(session, email, login)
            throttles.forgive(session, letter, network)
        values = {"status": "accepted", "accepted_by": user_id, "decided_at": datetime.now(UTC)}
        INVITATIONS.change(session, events.INVITATION_ACCEPTED, invitation, values)
        membership = find_membership(session, user_id)
        assert membership is not None
        refuse_closed(membership)
        tokens = replace(
            open_session(session, authority, user_id, membership),
            device_token=devices.device_token(authority, email),
        )
        return Joined(get_entry(session, user_id).json, tokens)


def _check(shown: Shown | None) -> Shown:
    """Raise unless an invitation can be accepted. Only who has its letter hears what is the matter with it."""
    if shown is None:
        raise _not_found()
    if shown.status != "pending":
        raise refuse(shown.status)
    if shown.is_void:
        raise _not_found()
    if shown.is_expired:
        raise refuse("expired")
    return shown


def _refuse_powerless_sender(session: Session, invitation: Mapping[str, Any]) -> None:
    """An invitation is worth what its sender could give now, not what they could give when they sent it."""
    giver = guards.find_giver(session, invitation["invited_by"])
    if giver is None or not guards.may_give(giver, invitation["role"], invitation["permissions"]):
        detail = "Whoever sent this invitation may not give this role any more; ask the company for a new one."
        raise Conflict("invitation_outdated", detail)


def _add_user(session: Session, user_id: int, email: str, password_hash: str, names: Mapping[str, str]) -> None:
    added = session.run(
        _ADD_USER, id=user_id, email=email, password_hash=password_hash, **{name: names[name] for name in NAMES}
    )
    if not added:
        raise Conflict("account_exists", "There is an account of this address since a moment ago; use its password.")


def _add_member(session: Session, user_id: int, invitation: Mapping[str, Any], *, is_new: bool) -> None:
    """Add the membership, and tell of it and of a new user. The first company of a user is their primary one."""
    session.begin()
    elsewhere = list_workplaces(session, user_id)
    session.run(
        _ADD_MEMBER,
        user_id=user_id,
        role=invitation["role"],
        is_primary=not any(place.is_primary for place in elsewhere),
        permissions=invitation["permissions"],
    )
    # From here on nobody changes the user unless they tell this company too.
    lock_user(session, user_id)
    if is_new:
        USERS.record_event(session, events.USER_CREATED, get_user(session, user_id), before=None)
    MEMBERS.record_event(session, events.USER_COMPANY_CREATED, get_member(session, user_id), before=None)


def _recognise(session: Session, email: str, login: Login) -> None:
    """Take the address of a user for proven; refuse a password that changed while it was compared."""
    if not still_holds(session, email, login):
        raise Conflict("password_changed_meanwhile", "The password was changed just now; use the new one.")
    emails.take_for_proven(session, login.user_id)


def _refuse_nameless(names: Mapping[str, str]) -> None:
    missing = [name for name in NAMES if not names.get(name)]
    if missing:
        detail = "A new user has a first and a last name."
        raise Invalid("names_required", detail, [FieldError(f"/{name}", "required", detail) for name in missing])


def _not_found() -> NotFound:
    return NotFound("invitation_not_found", "This link is not good, or not any more; use the newest letter.")
