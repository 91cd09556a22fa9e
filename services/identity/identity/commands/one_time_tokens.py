"""Secrets that an e-mail carries: good once, for one purpose, until they expire."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import BigInteger, LargeBinary, bindparam, column, func, insert, select, update

from chassis.db.session import Session
from chassis.db.statements import Prepared, named_values, of_tenant
from chassis.errors import FieldError, Invalid
from identity import rules
from identity.models import one_time_tokens

_COLUMNS = ("purpose", "user_id", "invitation_id", "token_hash", "expires_at")
_ADD = Prepared(insert(one_time_tokens).values(named_values(one_time_tokens, _COLUMNS)))
# Without a tenant yet: see the function in migration 0003.
_FIND = Prepared(
    select(column("company_id")).select_from(
        func.find_one_time_token(bindparam("token_hash", type_=LargeBinary)).table_valued("company_id", "token_id")
    )
)
_TOUCHED = {"version": one_time_tokens.c.version + 1, "updated_at": func.now()}
# One statement checks and uses, so that of two who come at once one goes away empty-handed.
_REDEEM = Prepared(
    update(one_time_tokens)
    .where(
        of_tenant(one_time_tokens),
        one_time_tokens.c.token_hash == bindparam("of_hash", type_=LargeBinary),
        one_time_tokens.c.purpose == bindparam("of_purpose", type_=one_time_tokens.c.purpose.type),
        one_time_tokens.c.used_at.is_(None),
        one_time_tokens.c.expires_at > func.now(),
    )
    .values(used_at=func.now(), **_TOUCHED)
    .returning(one_time_tokens.c.user_id, one_time_tokens.c.invitation_id)
)
_VOID = Prepared(
    update(one_time_tokens)
    .where(
        of_tenant(one_time_tokens),
        one_time_tokens.c.purpose == bindparam("of_purpose", type_=one_time_tokens.c.purpose.type),
        one_time_tokens.c.user_id.is_not_distinct_from(bindparam("of_user", type_=BigInteger)),
        one_time_tokens.c.invitation_id.is_not_distinct_from(bindparam("of_invitation", type_=BigInteger)),
        one_time_tokens.c.used_at.is_(None),
    )
    .values(used_at=func.now(), **_TOUCHED)
)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """Whom a token was about."""

    user_id: int | None
    invitation_id: int | None


def issue(
    session: Session, purpose: str, life: timedelta, *, user_id: int | None = None, invitation_id: int | None = None
) -> str:
    """A new secret for a member or an invitation of the tenant; earlier ones for the same purpose are void."""
    void(session, purpose, user_id=user_id, invitation_id=invitation_id)
    token = secrets.token_urlsafe(32)
    session.run(
        _ADD,
        purpose=purpose,
        user_id=user_id,
        invitation_id=invitation_id,
        token_hash=rules.token_hash(token),
        expires_at=datetime.now(UTC) + life,
    )
    return token


def find_tenant(session: Session, token: str) -> int | None:
    """The company in which a token was issued; None when it never was. Says nothing of whether it is still good."""
    row = session.fetch_one(_FIND, token_hash=rules.token_hash(token))
    return None if row is None else row[0]


def redeem(session: Session, token: str, purpose: str) -> Redeemed | None:
    """Use a token of the tenant up; None when it is not good (any more)."""
    row = session.fetch_one(_REDEEM, of_hash=rules.token_hash(token), of_purpose=purpose)
    return None if row is None else Redeemed(*row)


def refused() -> Invalid:
    """The answer to a token that is not good: one for those that never were, are used, void or expired."""
    detail = "This link is not good, or not any more; ask for a new one."
    return Invalid("invalid_one_time_token", detail, (FieldError("/token", "invalid_one_time_token", detail),))


def void(session: Session, purpose: str, *, user_id: int | None = None, invitation_id: int | None = None) -> None:
    """Make what was issued for this purpose worthless."""
    session.run(_VOID, of_purpose=purpose, of_user=user_id, of_invitation=invitation_id)
