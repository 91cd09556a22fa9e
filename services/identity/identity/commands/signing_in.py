"""Signing in with an e-mail address and a password."""

from sqlalchemy import BigInteger, bindparam, func, update

from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Unauthenticated
from identity import events
from identity.commands.acting import working_for
from identity.commands.sessions import Tokens, open_session, refuse_closed
from identity.keys import Authority
from identity.models import users
from identity.queries.members import find_membership
from identity.queries.users import USER, find_login, get_user

_SIGN_IN = Prepared(
    USER.returning(
        update(users)
        .where(users.c.id == bindparam("user_id", type_=BigInteger))
        .values(last_login=func.now(), version=users.c.version + 1, updated_at=func.now())
    )
)


def log_in(session: Session, authority: Authority, email: str, password: str, company_id: int | None) -> Tokens:
    """Sign a user in to a company of theirs: the one asked for, else their primary one.

    Raises Unauthenticated, with one text for everything that is wrong with the pair, the account or the membership; and
    Forbidden for a company that is closed, because that is said only to a member with the right password.
    """
    login = find_login(session, email, company_id)
    matches = authority.passwords.matches(password, None if login is None else login.password_hash)
    if login is None or not matches or not login.is_active or login.company_id is None:
        raise _invalid_credentials()
    with working_for(session, login.company_id, login.user_id):
        membership = find_membership(session, login.user_id)
        if membership is None or not membership.is_active:
            raise _invalid_credentials()
        refuse_closed(membership)
        before = get_user(session, login.user_id, lock=True)
        after, _, version = session.fetch(_SIGN_IN, user_id=login.user_id)[0]
        events.changed(
            session,
            events.USER_SIGNED_IN,
            record_id=login.user_id,
            version=version,
            before=before.json,
            after=after,
        )
        return open_session(session, authority, login.user_id, membership)


def _invalid_credentials() -> Unauthenticated:
    return Unauthenticated("invalid_credentials", "E-mail address, password or company is not right.")
