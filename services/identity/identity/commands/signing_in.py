"""Signing in with an e-mail address and a password."""

from dataclasses import replace

from sqlalchemy import BigInteger, bindparam, func, update

from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Unauthenticated
from identity import events, rules
from identity.commands import devices, login_attempts, throttles
from identity.commands.acting import working_for
from identity.commands.sessions import Tokens, open_session, refuse_closed
from identity.keys import Authority
from identity.models import users
from identity.queries.members import Membership, find_membership
from identity.queries.users import RECORDS as USERS
from identity.queries.users import Login, find_login, get_user, still_holds
from identity.views import USER

_SIGN_IN = Prepared(
    USER.returning(
        update(users)
        .where(users.c.id == bindparam("user_id", type_=BigInteger))
        .values(last_login=func.now(), version=users.c.version + 1, updated_at=func.now())
    )
)


def log_in(
    session: Session,
    authority: Authority,
    email: str,
    password: str,
    company_id: int | None,
    *,
    device_token: str | None = None,
) -> Tokens | None:
    """Sign a user in to a company of theirs: the one asked for, else their primary one.

    None for everything that is wrong with the pair, the account or the membership; that was counted, and must be
    committed. Every way there takes the same statements and one comparison, whether the address is somebody's or not.
    Raises TooManyRequests, before a password is compared, after too many wrong ones: of the account and of the network,
    or on a known device of this alone, so that no stranger's guesses keep its owner out. Raises Forbidden for a company
    that is closed, because that is said only to a member with the right password.
    """
    email = rules.normal_address(email)
    device = devices.find_device(authority, email, device_token)
    account, network = throttles.of_account(email), throttles.of_network()
    if device is not None:
        account = network = throttles.of_device(device)
    throttles.refuse_blocked(session, account, network)
    login = find_login(session, email, company_id)
    matches = authority.passwords.matches(password, None if login is None else login.password_hash)
    if login is not None and matches and login.is_active and login.company_id is not None:
        with working_for(session, login.company_id, login.user_id):
            admitted = _admit(session, email, login)
            if admitted is not None:
                before, membership = admitted
                refuse_closed(membership)
                throttles.forgive(session, account, network)
                tokens = sign_in(session, authority, before, membership)
                return replace(tokens, device_token=devices.device_token(authority, email, device))
    # Of a known device there is one to count.
    throttles.count_or_refuse(session, *dict.fromkeys((account, network)))
    login_attempts.put_down(session, "sign_in_failed", email)
    return None


def _admit(session: Session, email: str, login: Login) -> tuple[Record, Membership] | None:
    """Look again under the user's lock: nobody comes in with a password or a membership that changed a moment ago."""
    try:
        user = get_user(session, login.user_id, lock=True)
    except LookupError:
        return None
    membership = find_membership(session, login.user_id)
    if membership is None or not membership.is_active or not still_holds(session, email, login):
        return None
    return user, membership


def sign_in(session: Session, authority: Authority, user: Record, membership: Membership) -> Tokens:
    """Open a session of the tenant for a locked user of whom all is known to be well."""
    after = Record(*session.fetch(_SIGN_IN, user_id=user.id)[0])
    USERS.record_event(session, events.USER_SIGNED_IN, after, before=user)
    return open_session(session, authority, user.id, membership)


def invalid_credentials() -> Unauthenticated:
    """What is said of a wrong address, password, account or membership: always the same."""
    return Unauthenticated("invalid_credentials", "E-mail address, password or company is not right.")
