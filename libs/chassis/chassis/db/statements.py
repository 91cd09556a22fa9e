"""Statements compiled once: SQLAlchemy Core writes the SQL, psycopg sends it, PostgreSQL keeps it prepared."""

import functools
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
from sqlalchemy.sql.compiler import SQLCompiler
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


def array_text(values: Iterable[int | str]) -> str:
    """An array of numbers or UUIDs, as CAST(:ids AS bigint[]) reads it: psycopg would look at each to find its type."""
    return f"{{{','.join(map(str, values))}}}"


class Prepared:
    """A Core statement whose SQL text is made once and then only bound.

    Building and caching keys for a statement of thirty columns costs SQLAlchemy more than PostgreSQL needs to answer
    it; here that is paid once, at the first use, for a process uses few of those that it loads. Parameters are the
    statement's own bind parameters, by name; TENANT is among them only in the SQL, for it comes from the context.

    `writes=True` is said of a SELECT of functions that write or lock, which the statement itself does not show. One
    that writes and does not say so fails, because reads outside of a transaction are read only.

    `binary=True` has the answer to a writer come in PostgreSQL's binary form, for one with bytes in it: as text they
    are written as twice as many digits and read digit by digit. It is for no statement that answers JSON.

    Attributes: `sql`, the text as psycopg's cursors take it; `reads`, whether it may run outside a transaction;
    `numbered`, the text with `$1` for parameters, and `order`, the names of these.
    """

    def __init__(self, statement: Executable, *, writes: bool = False, binary: bool = False) -> None:
        # SQLAlchemy would add RETURNING for the primary key, which asks for the right to read what is written.
        self._statement = statement.inline() if isinstance(statement, Insert) else statement
        self._writes = writes
        self.binary = binary

    @functools.cached_property
    def sql(self) -> str:
        return str(self._compiled)

    @functools.cached_property
    def reads(self) -> bool:
        return isinstance(self._statement, Select) and not self._writes and not _changes(self._statement)

    @functools.cached_property
    def numbered(self) -> bytes:
        return str(self._numbered).encode()

    @functools.cached_property
    def order(self) -> tuple[str, ...]:
        return tuple(self._numbered.positiontup or ())

    @functools.cached_property
    def _compiled(self) -> SQLCompiler:
        return _compiled(self._statement, _DIALECT)

    @functools.cached_property
    def _numbered(self) -> SQLCompiler:
        """The same statement as PostgreSQL's own protocol takes it, which statements are sent in."""
        return _compiled(self._statement, _NUMBERED)

    @functools.cached_property
    def _defaults(self) -> dict[str, Any]:
        return {name: value for name, value in self._compiled.params.items() if name != _TENANT}

    @functools.cached_property
    def _of_tenant(self) -> bool:
        return _TENANT in self._compiled.params

    @functools.cached_property
    def _processors(self) -> Mapping[str, Callable[[Any], Any]]:
        """Values of some types need a wrapping for the driver, JSONB above all; most types need none."""
        return {
            name: processor
            for name, bind in self._compiled.binds.items()
            if (processor := bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)) is not None
        }

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


def _compiled(statement: Executable, dialect: PGDialect_psycopg) -> SQLCompiler:
    compiled: SQLCompiler = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # Every Core statement has it.
    return compiled


def _changes(statement: Select[Any]) -> bool:
    """Whether a SELECT holds a write or takes the locks of rows, in whichever of its parts."""
    return any(isinstance(part, Insert | Update | Delete | ForUpdateArg) for part in visitors.iterate(statement))
