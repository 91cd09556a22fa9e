"""Passwords: changed by who knows the old one, set anew by who gets the mail of the account's address."""

from sqlalchemy import BigInteger, bindparam, func, update

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Conflict, FieldError, Invalid, Unauthenticated
from identity import events, rules
from identity.commands import letters, login_attempts, one_time_tokens, revocations, security, throttles
from identity.commands.acting import working_for
from identity.commands.ended_sessions import end_sessions_everywhere
from identity.keys import Authority
from identity.models import users
from identity.queries.memberships import list_workplaces
from identity.queries.users import RECORDS as USERS
from identity.queries.users import Login, find_login, get_user, still_holds
from identity.views import USER

NEW_PASSWORD = "/new_password"  # noqa: S105  # A place in a document, not a password.
_SET = Prepared(
    USER.returning(
        update(users)
        .where(users.c.id == bindparam("user_id", type_=BigInteger))
        .values(
            password_hash=bindparam("new_hash", type_=users.c.password_hash.type),
            version=users.c.version + 1,
            updated_at=func.now(),
        )
    )
)


def change_password(session: Session, authority: Authority, user_id: int, old: str, new: str) -> bool:
    """Set a new password and end all other sessions of the user; False when `old` is wrong, which was counted.

    Raises Invalid for a new password that cannot be taken, TooManyRequests after too many tries, right or wrong, and
    while the user's last one is under way. Strangers' guesses at the account keep nobody from it who is signed in.
    """
    secret = rules.check_new_password(new, NEW_PASSWORD)
    known = confirm_password(session, authority, user_id, old)
    if known is None:
        return False
    email, login = known
    password_hash = authority.passwords.hash(secret)
    get_user(session, user_id, lock=True)
    throttles.lift(session, throttles.of_account(email))
    if not still_holds(session, email, login):
        raise Conflict("password_changed_meanwhile", "The password was changed by somebody else just now.")
    _set(session, user_id, password_hash)
    # Its tokens go on: whoever changes the password here has just shown that they know it.
    end_sessions_everywhere(session, user_id, "password_changed", but=current().session_id)
    return True


def confirm_password(session: Session, authority: Authority, user_id: int, password: str) -> tuple[str, Login] | None:
    """The address and login of who shows their password once more; None when it is wrong, which was counted.

    Raises TooManyRequests after too many tries, right or wrong, and while the user's last one is under way.
    """
    throttles.take_turn(session, f"password:{user_id}")
    throttles.count_or_refuse(session, throttles.of_password_changes(user_id))
    try:
        email = letters.get_addressee(session, user_id).email
    except LookupError:
        raise _not_a_member() from None
    login = find_login(session, email, None)
    if login is None or not authority.passwords.matches(password, login.password_hash):
        # Each one tried was counted for the user above; who signs in elsewhere meanwhile is told of it as well.
        for throttle in (throttles.of_account(email), throttles.of_network()):
            throttles.count(session, throttle)
        security.note(session, "wrong_password", user_id=user_id)
        return None
    return email, login


def forget_password(session: Session, email: str) -> None:
    """Have a letter with a link sent, if the address is somebody's. It costs the same if it is nobody's.

    Raises TooManyRequests for who asks for many.
    """
    throttles.count_or_refuse(session, throttles.of_requests())
    # A second wish within a minute is granted by the first letter.
    if throttles.count(session, throttles.of_letters(letters.RESET_PASSWORD, email)):
        login_attempts.put_down(session, "password_forgotten", email)


def reset_password(session: Session, authority: Authority, token: str, new: str) -> None:
    """Set a new password for the user whom the token was sent to, and end all their sessions and tokens.

    Raises Invalid for a token that is not good (any more), and for a password that cannot be taken.
    """
    secret = rules.check_new_password(new, NEW_PASSWORD)
    company_id = one_time_tokens.find_tenant(session, token)
    if company_id is None:
        raise one_time_tokens.refused()
    password_hash = authority.passwords.hash(secret)
    with working_for(session, company_id, None):
        redeemed = one_time_tokens.redeem(session, token, letters.RESET_PASSWORD)
        if redeemed is None or redeemed.user_id is None:
            raise one_time_tokens.refused()
        user_id = redeemed.user_id
        with working_for(session, company_id, user_id):
            get_user(session, user_id, lock=True)
            _set(session, user_id, password_hash)
            end_sessions_everywhere(session, user_id, "password_reset")
            revocations.revoke_user(session, user_id)
            throttles.lift(session, throttles.of_account(letters.get_addressee(session, user_id).email))


def _set(session: Session, user_id: int, password_hash: str) -> None:
    """Store the hash; make every link that was sent to set another password worthless, and tell the user."""
    before = get_user(session, user_id)
    after = Record(*session.fetch(_SET, user_id=user_id, new_hash=password_hash)[0])
    USERS.record_event(session, events.USER_PASSWORD_CHANGED, after, before=before)
    for workplace in list_workplaces(session, user_id):
        with working_for(session, workplace.company_id, user_id):
            one_time_tokens.void(session, letters.RESET_PASSWORD, user_id=user_id)
    letters.tell_of_new_password(session, user_id)


def wrong_password() -> Invalid:
    """The answer to a wrong current password. No 401: the token is good, and clients would throw it away."""
    detail = "This is not the current password."
    return Invalid("wrong_password", detail, (FieldError("/current_password", "wrong_password", detail),))


def _not_a_member() -> Unauthenticated:
    return Unauthenticated(
        "invalid_token",
        "The access token is not valid or has expired.",
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )
