"""Statements compiled once: SQLAlchemy Core writes the SQL, psycopg sends it, PostgreSQL keeps it prepared."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from sqlalchemy import Executable, Insert, Select
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

_DIALECT = PGDialect_psycopg(dbapi=psycopg, paramstyle="pyformat")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped.
_NUMBERED = PGDialect_psycopg(dbapi=psycopg, paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped.

_LOCKS = re.compile(r" FOR (?:NO KEY )?UPDATE| FOR (?:KEY )?SHARE")


class Prepared:
    """A Core statement whose SQL text is made once and then only bound.

    Building and caching keys for a statement of thirty columns costs SQLAlchemy more than PostgreSQL needs to answer
    it; here that is paid at import. Parameters are the statement's own bind parameters, by name.

    Attributes: `sql`, the text for psycopg; `reads`, whether it may run outside a transaction; for those that may,
    `numbered`, the text with `$1` for parameters, and `order`, the names of these.
    """

    __slots__ = ("_defaults", "_processors", "numbered", "order", "reads", "sql")

    def __init__(self, statement: Executable) -> None:
        if isinstance(statement, Insert):
            # SQLAlchemy would add RETURNING for the primary key, which asks for the right to read what is written.
            statement = statement.inline()
        compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]  # Every Core statement has it.
        self.sql: str = str(compiled)
        self._defaults: dict[str, Any] = dict(compiled.params)
        # Values of some types need a wrapping for the driver, JSONB above all; most types need none.
        self._processors: dict[str, Callable[[Any], Any]] = {
            name: processor
            for name, bind in compiled.binds.items()
            if (processor := bind.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)) is not None
        }
        self.reads: bool = isinstance(statement, Select) and not _LOCKS.search(self.sql) and not _writes(self.sql)
        # The same text as PostgreSQL's own protocol takes it: what reads outside a transaction are sent in.
        numbered = statement.compile(dialect=_NUMBERED) if self.reads else None  # type: ignore[attr-defined]  # As above.
        self.numbered: bytes = str(numbered).encode()
        self.order: tuple[str, ...] = tuple(numbered.positiontup or ()) if numbered is not None else ()

    def bind(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters to send. Raises KeyError for one that the statement does not have."""
        if unknown := parameters.keys() - self._defaults.keys():
            raise KeyError(f"the statement has no parameter {sorted(unknown)}")
        bound = {**self._defaults, **parameters}
        for name, processor in self._processors.items():
            bound[name] = processor(bound[name])
        return bound


def _writes(sql: str) -> bool:
    """Whether a SELECT hides a write in a common table expression."""
    return any(word in sql for word in ("INSERT INTO", "UPDATE ", "DELETE FROM"))
