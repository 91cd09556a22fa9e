"""Locks by name: one transaction at a time in a tenant does what goes by it."""

from collections.abc import Iterable

from sqlalchemy import ARRAY, Text, bindparam, column, func, select

from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared

_NAME = func.hashtextextended(bindparam("name", type_=Text), TENANT)
_LOCK = Prepared(select(func.pg_advisory_xact_lock(_NAME)), writes=True)
_TRY_LOCK = Prepared(select(func.pg_try_advisory_xact_lock(_NAME)), writes=True)
_names = func.unnest(bindparam("names", type_=ARRAY(Text))).table_valued(column("name", Text)).render_derived(name="n")
_LOCK_ALL = Prepared(
    select(func.pg_advisory_xact_lock(func.hashtextextended(_names.c.name, TENANT))).select_from(_names), writes=True
)


def lock_name(session: Session, name: str) -> None:
    """Hold `name` (`"customers:create"`) in the tenant until the transaction ends; waits for who holds it."""
    session.fetch(_LOCK, name=name)


def lock_names(session: Session, names: Iterable[str]) -> None:
    """The same with many names, one after the other and in one order for all who do; before the next statement."""
    session.run_later(_LOCK_ALL, names=sorted(set(names)))


def try_lock_name(session: Session, name: str) -> bool:
    """The same, but answers False where another transaction holds it."""
    return session.fetch(_TRY_LOCK, name=name)[0][0] is True
