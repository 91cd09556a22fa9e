"""Statements compiled once: SQLAlchemy Core writes the SQL, psycopg sends it, PostgreSQL keeps it prepared."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import psycopg
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Delete,
    Executable,
    FromClause,
    Insert,
    Select,
    Table,
    Update,
    bindparam,
)
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import ForUpdateArg

from chassis.context import tenant

_DIALECT = PGDialect_psycopg(dbapi=psycopg, paramstyle="pyformat")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped.
_NUMBERED = PGDialect_psycopg(dbapi=psycopg, paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped.

_TENANT = "of_company"
TENANT = bindparam(_TENANT, type_=BigInteger())
"""The tenant as a parameter, `of_company`: the context fills it when the statement is run, never the caller."""


def of_tenant(table: FromClause) -> ColumnElement[bool]:
    """The first wall: the row is the tenant's, by the column that its table names as the tenant's."""
    column = getattr(table, "info", {}).get("tenant", "company_id")
    condition: ColumnElement[bool] = table.c[column] == TENANT
    return condition


def named_values(table: Table, names: Iterable[str]) -> dict[str, Any]:
    """What an INSERT of the tenant writes: a parameter of the same name for each of these columns, and the tenant."""
    return {"company_id": TENANT} | {name: bindparam(name, type_=table.c[name].type) for name in names}


class Prepared:
    """A Core statement whose SQL text is made once and then only bound.

    Building and caching keys for a statement of thirty columns costs SQLAlchemy more than PostgreSQL needs to answer
    it; here that is paid at import. Parameters are the statement's own bind parameters, by name; TENANT is among them
    only in the SQL, for it comes from the context.

    `writes=True` is said of a SELECT of functions that write or lock, which the statement itself does not show. One
    that writes and does not say so fails, because reads outside of a transaction are read only.

    Attributes: `sql`, the text as psycopg's cursors take it; `reads`, whether it may run outside a transaction;
    `numbered`, the text with `$1` for parameters, and `order`, the names of these.
    """

    __slots__ = ("_defaults", "_of_tenant", "_processors", "numbered", "order", "reads", "sql")

    def __init__(self, statement: Executable, *, writes: bool = False) -> None:
        if isinstance(statement, Insert):
            # SQLAlchemy would add RETURNING for the primary key, which asks for the right to read what is written.
            statement = statement.inline()
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # Every Core statement has it.
        self.sql: str = str(compiled)
        self._defaults: dict[str, Any] = dict(compiled.params)
        self._of_tenant: bool = _TENANT in self._defaults
        self._defaults.pop(_TENANT, None)
        # Values of some types need a wrapping for the driver, JSONB above all; most types need none.
        self._processors: dict[str, Callable[[Any], Any]] = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)) is not None
        }
        self.reads: bool = isinstance(statement, Select) and not writes and not _changes(statement)
        # The same text as PostgreSQL's own protocol takes it, which statements are sent in.
        numbered = statement.compile(dialect=_NUMBERED)  # type: ignore[attr-defined]  # As above.
        self.numbered: bytes = str(numbered).encode()
        self.order: tuple[str, ...] = tuple(numbered.positiontup or ())

    def bind(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters to send, the tenant among them.

        Raises KeyError for one that the statement does not have, LookupError where it needs a tenant and there is none.
        """
        if unknown := parameters.keys() - self._defaults.keys():
            raise KeyError(f"the statement has no parameter {sorted(unknown)}")
        bound = {**self._defaults, **parameters}
        for name, processor in self._processors.items():
            bound[name] = processor(bound[name])
        if self._of_tenant:
            bound[_TENANT] = tenant()
        return bound


def _changes(statement: Select[Any]) -> bool:
    """Whether a SELECT holds a write or takes the locks of rows, in whichever of its parts."""
    return any(isinstance(part, Insert | Update | Delete | ForUpdateArg) for part in visitors.iterate(statement))
