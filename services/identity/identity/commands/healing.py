"""What a restored identity does beyond its records: nobody gets in by what has ended, or was used, since the backup."""

import secrets
from collections.abc import Iterable, Sequence

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, func, literal_column, update
from sqlalchemy.dialects.postgresql import insert as upsert

from chassis.context import Context, acting_as
from chassis.db import company_purges
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared
from chassis.db.tables import CHASSIS
from chassis.errors import NotFound
from chassis.events import new_id
from chassis.healing.known import Known
from identity.commands import revocations
from identity.hashing import Hasher
from identity.models import companies, one_time_tokens, sessions, users
from identity.queries.companies import get_company

_PURGES = CHASSIS.tables["company_purges"]
PASSWORD_CHANGED = "password_changed"  # noqa: S105  # An action, not a password.
# More often than anybody was revoked since the backup.
EPOCHS = 1_000

_END_SESSIONS = Prepared(
    update(sessions)
    .where(sessions.c.ended_at.is_(None))
    .values(ended_at=func.clock_timestamp(), end_reason=literal_column("'restored'"))
)
_USE_UP = Prepared(
    update(one_time_tokens).where(one_time_tokens.c.used_at.is_(None)).values(used_at=func.clock_timestamp())
)
_FORGET_PASSWORDS = Prepared(
    update(users)
    .where(users.c.id == any_(bindparam("of_users", type_=ARRAY(BigInteger))))
    .values(password_hash=bindparam("new_hash", type_=users.c.password_hash.type))
)


# A company that was purged since is purged again: the worker deletes it with its people.
PURGE_AGAIN = Prepared(
    upsert(_PURGES)
    .values(
        company_id=bindparam("of_id", type_=BigInteger),
        event_id=func.gen_random_uuid(),
        correlation_id=literal_column("'heal'"),
    )
    .on_conflict_do_nothing()
)


def nobodys_password(cost: int) -> str:
    """The hash of a password that nobody knows; its owner sets a new one by a letter."""
    hasher = Hasher()
    try:
        return hasher.hash(secrets.token_urlsafe(32).encode(), cost)
    finally:
        hasher.close()


def shut_the_door(database: Database, known: Sequence[Known], unknown_hash: str) -> list[str]:
    """End all that lets somebody in and may have been taken back since the backup; says what that was."""
    changed = sorted(
        {each.record_id for each in known if each.table == users.name and PASSWORD_CHANGED in each.actions}
    )
    with acting_as(Context(request_id=f"heal-{new_id()}")), database.transaction() as session:
        raised = revocations.revoke_everybody(session, EPOCHS)
        ended = session.run(_END_SESSIONS)
        used = session.run(_USE_UP)
        session.run(_FORGET_PASSWORDS, of_users=changed, new_hash=unknown_hash)
    closed = _close_companies(database, known)
    return [
        f"door: {raised} users' tokens void, {ended} sessions ended, {used} links used up, {closed} companies closed",
        f"door: {len(changed)} users whose password was changed since have to set a new one (forgotten password)",
    ]


def _close_companies(database: Database, known: Iterable[Known]) -> int:
    """Have the gateways refuse the companies that were closed since, and these alone."""
    closed = 0
    for company_id in sorted({each.record_id for each in known if each.table == companies.name}):
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            if _is_open(session, company_id):
                revocations.open_company(session, company_id)
            else:
                revocations.close_company(session, company_id)
                closed += 1
    return closed


def _is_open(session: Session, company_id: int) -> bool:
    """Whether the tenant may work: it is there, neither closed nor purged."""
    if company_purges.purged_among(session, (company_id,)):
        return False
    try:
        return bool(get_company(session).document["status"] == "active")
    except NotFound:
        return False
