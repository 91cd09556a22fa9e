"""Invitations: sent, sent again and withdrawn by a company."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chassis.context import current, tenant
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict
from chassis.mail import as_name
from chassis.mail import link as link_to
from identity import events, rules
from identity.commands import guards, one_time_tokens, throttles
from identity.commands.locking import lock_company
from identity.models import MAILS
from identity.queries.companies import get_company
from identity.queries.invitations import RECORDS, is_member
from identity.queries.users import get_user

PURPOSE = "invitation"
_BODY = """\
Hello,

{inviter} invites you to work with {company}. Open this link to accept:

{link}

It is good for seven days and for one use. If you do not know what this is about, you need do nothing.
"""


def invite(session: Session, app_url: str, values: Mapping[str, Any]) -> Record:
    """Ask somebody to join the tenant; the letter has the only token there is.

    Raises Forbidden for a role or permission that the caller does not have, Conflict for who is a member already or was
    asked before, TooManyRequests for two letters to one address within a minute.
    """
    email, role, permissions = values["email"], values["role"], values.get("permissions")
    lock_company(session)
    guards.refuse_beyond(guards.get_giver(session), role, permissions)
    if is_member(session, email):
        raise Conflict("already_member", "Somebody with this address is a member of the company already.")
    invitation = RECORDS.create(
        session,
        events.INVITATION_CREATED,
        {
            "email": email,
            "role": role,
            "permissions": permissions,
            "invited_by": current().user_id,
            "expires_at": datetime.now(UTC) + rules.INVITATION_LIFE,
        },
    )
    _send(session, app_url, invitation.id, email)
    return invitation


def resend_invitation(session: Session, app_url: str, invitation_id: int) -> Record:
    """Send the letter again with a new token; the one before is void and the time begins anew.

    Raises NotFound, Conflict for one that is decided, Forbidden as `invite` does, TooManyRequests within a minute.
    """
    lock_company(session)
    before = RECORDS.get(session, invitation_id, lock=True)
    state = _refuse_decided(before)
    guards.refuse_beyond(guards.get_giver(session), state["role"], state["permissions"])
    now = datetime.now(UTC)
    # Who sends it again vouches for it from now on: it is worth what they may give.
    sender = current().user_id
    values = {"invited_by": sender, "sent_at": now, "expires_at": now + rules.INVITATION_LIFE}
    after = RECORDS.change(session, events.INVITATION_RESENT, before, values)
    _send(session, app_url, invitation_id, state["email"])
    return after


def withdraw_invitation(session: Session, invitation_id: int, version: int) -> None:
    """Make the letter worthless. Raises NotFound, PreconditionFailed, Conflict for one that is decided."""
    before = RECORDS.expect(session, invitation_id, version)
    _refuse_decided(before)
    one_time_tokens.void(session, PURPOSE, invitation_id=invitation_id)
    values = {"status": "withdrawn", "decided_at": datetime.now(UTC)}
    RECORDS.change(session, events.INVITATION_WITHDRAWN, before, values)


def refuse(status: str) -> Conflict:
    """What is said of an invitation that is no longer open."""
    return Conflict(f"invitation_{status}", f"This invitation is {status}.")


def _refuse_decided(invitation: Record) -> dict[str, Any]:
    state = invitation.document
    if state["status"] != "pending":
        raise refuse(state["status"])
    return state


def _send(session: Session, app_url: str, invitation_id: int, email: str) -> None:
    """Post the letter, at most one a minute from this company to this address, and not too many to strangers.

    Whoever gets it may know neither, so that what they call themselves is shown as a name and not as more.
    """
    user_id = current().user_id
    assert user_id is not None
    user = get_user(session, user_id).document
    throttles.count_or_refuse(
        session,
        throttles.of_letters(f"{PURPOSE}-{tenant()}", email),
        throttles.of_invitations(verified=user["is_verified"]),
    )
    inviter = as_name(user["name"]) or "Somebody"
    company = as_name(get_company(session).document["name"]) or "a company"
    token = one_time_tokens.issue(session, PURPOSE, rules.INVITATION_LIFE, invitation_id=invitation_id)
    link = link_to(app_url, "invitations", token)
    body = _BODY.format(inviter=inviter, company=company, link=link)
    MAILS.post(session, recipient=email, subject=f"Invitation to {company} from {inviter}", body=body)
