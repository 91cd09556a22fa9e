"""Locks by name: one transaction at a time in a tenant does what goes by it."""

from collections.abc import Iterable

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, cast, column, func, select

from chassis.db.session import Session
from chassis.db.statements import TENANT, Prepared, array_text

_NAME = func.hashtextextended(bindparam("name", type_=Text), TENANT)
_LOCK = Prepared(select(func.pg_advisory_xact_lock(_NAME)), writes=True)
_TRY_LOCK = Prepared(select(func.pg_try_advisory_xact_lock(_NAME)), writes=True)
_numbers = func.unnest(cast(bindparam("numbers", type_=Text), ARRAY(BigInteger)))
_numbered = _numbers.table_valued(column("number", BigInteger)).render_derived(name="n")
_STEM = bindparam("stem", type_=Text)
_LOCK_ALL = Prepared(
    select(func.pg_advisory_xact_lock(func.hashtextextended(func.concat(_STEM, ":", _numbered.c.number), TENANT))),
    writes=True,
)


def lock_name(session: Session, name: str) -> None:
    """Hold `name` (`"customers:create"`) in the tenant until the transaction ends; waits for who holds it."""
    session.fetch(_LOCK, name=name)


def lock_numbered(session: Session, stem: str, numbers: Iterable[int]) -> None:
    """The same of the names `<stem>:<number>`, in one order for all who do; before the next statement."""
    ordered = sorted(set(numbers))
    if len(ordered) == 1:
        session.run_later(_LOCK, name=f"{stem}:{ordered[0]}")
    else:
        session.run_later(_LOCK_ALL, stem=stem, numbers=array_text(ordered))


def try_lock_name(session: Session, name: str) -> bool:
    """The same, but answers False where another transaction holds it."""
    return session.fetch(_TRY_LOCK, name=name)[0][0] is True
