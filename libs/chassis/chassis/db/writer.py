"""A connection for transactions: statements are prepared on it and sent by libpq's own functions, without a cursor."""

from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import execute
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from chassis.db.reader import SET_TENANT, answers_of_two, failure
from chassis.db.statements import Prepared

_BEGIN, _TENANT = b"begin", b"tenant"
# A statement whose values have other types is another one to PostgreSQL, and each takes memory of the server: a
# connection forgets them all when it knows this many, and prepares none that comes only once.
_MOST_PREPARED = 150
_MOST_SEEN = 1000

_Key = tuple[bytes, tuple[int, ...]]


class Writer:
    """One connection of the pool, as long as it lives.

    What a cursor of psycopg does around a statement costs a process more than most statements of a service take, so
    they are sent here by its public functions, as `chassis.db.reader` does. The connection's own transaction goes on:
    SQLAlchemy commits it, rolls it back and sets its savepoints.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        # A rollback has psycopg forget all statements on the server, if it has prepared any, and with them these.
        connection.prepare_threshold = None
        self._names: dict[_Key, bytes] = {}
        self._seen: set[_Key] = set()
        self._prepared = 0
        self._can_begin = False

    def begin(self, company_id: int | None) -> None:
        """Give the transaction its tenant, in one round trip with its BEGIN where it has not begun."""
        driver = self._connection.pgconn
        value = b"" if company_id is None else b"%d" % company_id
        if not self._can_begin:
            self._prepare(_BEGIN, b"BEGIN", ())
            self._prepare(_TENANT, SET_TENANT, ())
            self._can_begin = True
        if driver.transaction_status != TransactionStatus.IDLE:
            driver.send_query_prepared(_TENANT, [value])
            self._answer()
            return
        driver.enter_pipeline_mode()
        try:
            driver.send_query_prepared(_BEGIN, None)
            driver.send_query_prepared(_TENANT, [value])
            driver.pipeline_sync()
            answers = self._connection.wait(answers_of_two(driver))
            driver.exit_pipeline_mode()
        except BaseException:
            # Answers may still be on their way; the next statement must not take them for its own.
            self._connection.close()
            raise
        for answer in answers:
            self._refuse_failed(answer)

    def fetch(self, statement: Prepared, bound: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows that a statement returns. Raises psycopg.Error."""
        adapter, answer = self._send(statement, bound)
        if answer.status != ExecStatus.TUPLES_OK:
            raise psycopg.ProgrammingError("the statement returns no rows")
        adapter.set_pgresult(answer)
        return adapter.load_rows(0, answer.ntuples, tuple)

    def run(self, statement: Prepared, bound: Mapping[str, Any]) -> int:
        """How many rows a statement has touched. Raises psycopg.Error."""
        _, answer = self._send(statement, bound)
        return answer.command_tuples or 0

    def _send(self, statement: Prepared, bound: Mapping[str, Any]) -> tuple[abc.Transformer, PGresult]:
        adapter: abc.Transformer = Transformer(self._connection)
        order = statement.order
        values = adapter.dump_sequence([bound[name] for name in order], [PyFormat.AUTO] * len(order))
        types = adapter.types or ()
        name = self._name(statement.numbered, types)
        driver = self._connection.pgconn
        if name is None:
            driver.send_query_params(statement.numbered, values, types, adapter.formats)
        else:
            driver.send_query_prepared(name, values, adapter.formats)
        try:
            return adapter, self._answer()
        except psycopg.errors.FeatureNotSupported:
            # A migration has outdated its plan: the next transaction prepares it anew.
            self._names.pop((statement.numbered, types), None)
            raise

    def _answer(self) -> PGresult:
        results: list[PGresult] = self._connection.wait(execute(self._connection.pgconn))
        if not results:
            raise psycopg.OperationalError("the server closed the connection")
        self._refuse_failed(results[-1])
        return results[-1]

    def _name(self, text: bytes, types: tuple[int, ...]) -> bytes | None:
        """The name under which this connection knows a statement; None for one that has not come before."""
        key = (text, types)
        name = self._names.get(key)
        if name is not None:
            return name
        if key not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(key)
            return None
        if len(self._names) >= _MOST_PREPARED:
            self._connection.execute("DEALLOCATE ALL")
            self._names.clear()
            self._can_begin = False
        self._prepared += 1
        name = b"write_%d" % self._prepared
        self._prepare(name, text, types)
        self._names[key] = name
        return name

    def _prepare(self, name: bytes, text: bytes, types: tuple[int, ...]) -> None:
        self._refuse_failed(self._connection.pgconn.prepare(name, text, types))

    def _refuse_failed(self, answer: PGresult) -> None:
        if answer.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise failure(answer)
