"""E-mail addresses: proven by who opens the link that was sent there."""

from sqlalchemy import BigInteger, bindparam, func, true, update

from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.errors import Conflict, Unauthenticated
from identity import events
from identity.commands import letters, one_time_tokens, throttles
from identity.commands.acting import working_for
from identity.commands.members import changing_user
from identity.models import users
from identity.queries.users import get_user

_VERIFY = Prepared(
    update(users)
    .where(users.c.id == bindparam("of_user", type_=BigInteger), users.c.is_verified.is_(False))
    .values(is_verified=true(), version=users.c.version + 1, updated_at=func.now())
)


def ask_again(session: Session, app_url: str, user_id: int) -> None:
    """Send the link that verifies the address once more; the one before is void.

    Raises Conflict where it is verified, TooManyRequests within a minute of the last letter.
    """
    try:
        user = get_user(session, user_id, lock=True).document
    except LookupError:
        raise Unauthenticated("invalid_token", "The access token is not valid or has expired.") from None
    if user["is_verified"]:
        raise Conflict("email_verified_already", "This e-mail address is verified already.")
    throttles.count_or_refuse(session, throttles.of_letters(letters.VERIFY_EMAIL, user["email"]))
    letters.ask_to_verify(session, app_url, user_id)


def verify_email(session: Session, token: str) -> None:
    """Take the address of the user whom the token was sent to for proven. Raises Invalid for one that is not good."""
    company_id = one_time_tokens.find_tenant(session, token)
    if company_id is None:
        raise one_time_tokens.refused()
    with working_for(session, company_id, None):
        redeemed = one_time_tokens.redeem(session, token, letters.VERIFY_EMAIL)
        if redeemed is None or redeemed.user_id is None:
            raise one_time_tokens.refused()
        user_id = redeemed.user_id
        with working_for(session, company_id, user_id):
            take_for_proven(session, user_id)


def take_for_proven(session: Session, user_id: int) -> None:
    """Note that a user of the tenant gets the mail of their address; nothing when that is known."""
    with changing_user(session, user_id, events.USER_VERIFIED):
        session.run(_VERIFY, of_user=user_id)
