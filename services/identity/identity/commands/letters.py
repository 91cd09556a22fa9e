"""The letters that users get about their accounts: what they say and which link they carry."""

from dataclasses import dataclass

from chassis.db.session import Session
from chassis.mail import link as link_to
from identity import rules
from identity.commands import one_time_tokens
from identity.models import MAILS
from identity.queries.users import get_user

VERIFY_EMAIL = "verify_email"
RESET_PASSWORD = "reset_password"  # noqa: S105  # What a token is for, not one.

_VERIFY = """\
Hello {name},

please confirm that this is your e-mail address by opening this link:

{link}

It is good for three days. If you have not registered, you need do nothing.
"""
_RESET = """\
Hello {name},

somebody, probably you, wishes to set a new password for your account. Open this link to do so:

{link}

It is good for one hour and for one use. If it was not you, you need do nothing: your password stays as it is.
"""
_CHANGED = """\
Hello {name},

the password of your account was changed, and all other sessions were ended.

If it was not you, ask for a new password at once, and tell the administrator of your company.
"""
_REUSE = """\
Hello {name},

one of your sessions was ended, because a key of it was shown that had been used before. Somebody may have copied it
from your device. Sign in again to go on; if you do not know how this came about, change your password.
"""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Whom a letter is to."""

    email: str
    name: str


def get_addressee(session: Session, user_id: int) -> Addressee:
    """A user of the tenant as letters address them. Raises LookupError."""
    user = get_user(session, user_id).document
    return Addressee(user["email"], user["first_name"])


def ask_to_verify(session: Session, app_url: str, user_id: int) -> None:
    """Send a link that proves that the user gets the mail of their address; earlier ones are void."""
    token = one_time_tokens.issue(session, VERIFY_EMAIL, rules.VERIFICATION_LIFE, user_id=user_id)
    _send(session, user_id, "Confirm your e-mail address", _VERIFY, link_to(app_url, "verify-email", token))


def offer_reset(session: Session, app_url: str, user_id: int) -> None:
    """Send a link that lets its reader set a new password; earlier ones are void."""
    token = one_time_tokens.issue(session, RESET_PASSWORD, rules.RESET_LIFE, user_id=user_id)
    _send(session, user_id, "Set a new password", _RESET, link_to(app_url, "reset-password", token))


def tell_of_new_password(session: Session, user_id: int) -> None:
    """Tell a user that their password is another one now, in case it was somebody else who set it."""
    _send(session, user_id, "Your password was changed", _CHANGED)


def warn_of_reuse(session: Session, user_id: int) -> None:
    """Tell a user that a refresh token of theirs came twice (RFC 9700, 4.14.2)."""
    _send(session, user_id, "A session of yours was ended", _REUSE)


def _send(session: Session, user_id: int, subject: str, body: str, link: str = "") -> None:
    to = get_addressee(session, user_id)
    MAILS.post(session, recipient=to.email, subject=subject, body=body.format(name=to.name, link=link))
