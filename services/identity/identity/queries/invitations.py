"""Invitations: who was asked to join the tenant."""

from dataclasses import dataclass

from sqlalchemy import LargeBinary, bindparam, func, literal_column, select

from chassis.db.kinds import EMAIL, INTEGER, TIMESTAMP, choice_of
from chassis.db.listing import Listing
from chassis.db.records import Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from identity.events import SOURCE
from identity.models import invitations, one_time_tokens, user_companies, users
from identity.rules import INVITATION_STATUSES, ROLES
from identity.views import INVITATION

# A company invites by the dozen: what the index of the newest first does not serve is looked through.
INVITATIONS = Listing(
    INVITATION,
    filters={
        "id": INTEGER,
        "email": EMAIL,
        "role": choice_of(*ROLES),
        "status": choice_of(*INVITATION_STATUSES),
        "invited_by": INTEGER,
        "created_at": TIMESTAMP,
        "expires_at": TIMESTAMP,
    },
    sorts=("created_at", "id"),
)

RECORDS = Records(INVITATION, source=SOURCE, noun="invitation")
_BY_TOKEN = Prepared(
    select(
        invitations.c.id,
        invitations.c.email,
        invitations.c.status,
        invitations.c.expires_at <= func.now(),
        one_time_tokens.c.used_at.is_not(None),
    )
    .join_from(
        one_time_tokens,
        invitations,
        (invitations.c.company_id == one_time_tokens.c.company_id)
        & (invitations.c.id == one_time_tokens.c.invitation_id),
    )
    .where(of_tenant(invitations), one_time_tokens.c.token_hash == bindparam("of_hash", type_=LargeBinary))
)
_MEMBER_BY_EMAIL = Prepared(
    select(literal_column("1"))
    .join_from(user_companies, users, users.c.id == user_companies.c.user_id)
    .where(
        of_tenant(user_companies),
        func.lower(users.c.email) == func.lower(bindparam("of_email", type_=users.c.email.type)),
    )
)


@dataclass(frozen=True, slots=True)
class Shown:
    """An invitation whose token somebody shows; `is_void` when a newer letter replaced it or it was used."""

    id: int
    email: str
    status: str
    is_expired: bool
    is_void: bool


def find_by_token(session: Session, token_hash: bytes) -> Shown | None:
    """The invitation of the tenant that a token was sent for; None when it was sent for something else."""
    row = session.fetch_one(_BY_TOKEN, of_hash=token_hash)
    return None if row is None else Shown(*row)


def is_member(session: Session, email: str) -> bool:
    """Whether an address, in any case, is that of a member of the tenant, whatever their status."""
    return session.fetch_one(_MEMBER_BY_EMAIL, of_email=email) is not None
