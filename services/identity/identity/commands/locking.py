"""Locks on users and companies. Rows are locked in one order, user, company, membership, so that nobody deadlocks."""

from sqlalchemy import BigInteger, bindparam, select

from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared
from identity.models import companies, user_companies, users

# NO KEY UPDATE: a row that refers to the locked one, such as a new membership or a letter, need not wait.
_USER = Prepared(
    select(users.c.id)
    .where(
        users.c.id == bindparam("of_user", type_=BigInteger),
        select(user_companies.c.id)
        .where(user_companies.c.user_id == users.c.id, user_companies.c.company_id == TENANT)
        .exists(),
    )
    .with_for_update(key_share=True)
)
_COMPANY = Prepared(select(companies.c.id).where(companies.c.id == TENANT).with_for_update(key_share=True))


def lock_user(session: Session, user_id: int) -> None:
    """Hold a user of the tenant until the transaction ends, in all their companies. Raises LookupError."""
    if session.fetch_one(_USER, of_user=user_id) is None:
        raise LookupError("no such user in this tenant")


def lock_company(session: Session) -> None:
    """Hold the tenant until the transaction ends: one at a time decides who may do what in it."""
    session.fetch(_COMPANY)
