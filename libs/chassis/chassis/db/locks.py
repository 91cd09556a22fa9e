"""Locks by name: one transaction at a time in a tenant does what goes by it."""

from sqlalchemy import Text, bindparam, func, select

from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared

_NAME = func.hashtextextended(bindparam("name", type_=Text), TENANT)
_LOCK = Prepared(select(func.pg_advisory_xact_lock(_NAME)), writes=True)
_TRY_LOCK = Prepared(select(func.pg_try_advisory_xact_lock(_NAME)), writes=True)


def lock_name(session: Session, name: str) -> None:
    """Hold `name` (`"customers:create"`) in the tenant until the transaction ends; waits for who holds it."""
    session.fetch(_LOCK, name=name)


def try_lock_name(session: Session, name: str) -> bool:
    """The same, but answers False where another transaction holds it."""
    return session.fetch(_TRY_LOCK, name=name)[0][0] is True
