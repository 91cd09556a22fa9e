"""A connection that only reads: it sends the tenant and the question in one write and waits for both in one wait."""

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import fetch_many, send
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from chassis.db.statements import Prepared

_TENANT = b"tenant"
SET_TENANT = b"SELECT set_config('app.company_id', $1, true)"
# Statements of lists differ by what is filtered and sorted, and each takes up to a megabyte of the server's memory: a
# connection forgets them all when it knows this many.
_MOST_PREPARED = 100


class Reader:
    """One autocommit connection of one thread, closed with it.

    PostgreSQL treats what a pipeline sends up to its Sync as one transaction, so the tenant that is set first is local
    to it (PostgreSQL documentation, "Pipelining"). psycopg's own pipeline asks the socket after each statement, which
    costs three times what such a read takes; so the statements are prepared and sent here, by its public functions.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self.connection = connect()
        # psycopg would prepare by itself what it sends often, such as the DEALLOCATE that forgets it again.
        self.connection.prepare_threshold = None
        self._names: dict[tuple[bytes, tuple[int, ...]], bytes] = {}

    @property
    def closed(self) -> bool:
        return self.connection.closed

    def close(self) -> None:
        self.connection.close()

    def __del__(self) -> None:
        """Close the connection of a thread that has ended; where none could be made, there is nothing to close."""
        if hasattr(self, "connection"):
            self.close()

    def read(self, company_id: int | None, statement: Prepared, bound: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows of `statement`, asked as `company_id`. Raises psycopg.Error; the connection may be closed then."""
        adapter = Transformer(self.connection)
        order = statement.order
        values = adapter.dump_sequence([bound[name] for name in order], [PyFormat.AUTO] * len(order))
        name = self._prepared(statement.numbered, adapter.types or ())
        driver = self.connection.pgconn
        driver.enter_pipeline_mode()
        try:
            driver.send_query_prepared(_TENANT, [b"" if company_id is None else b"%d" % company_id])
            driver.send_query_prepared(name, values, adapter.formats)
            driver.pipeline_sync()
            answers = self.connection.wait(answers_of(driver, 2))
            driver.exit_pipeline_mode()
        except BaseException:
            # Answers may still be on their way; the next read must not take them for its own.
            self.close()
            raise
        for answer in answers:
            if answer.status != ExecStatus.TUPLES_OK:
                raise self._failure(answer)
        adapter.set_pgresult(answers[1])
        return adapter.load_rows(0, answers[1].ntuples, tuple)

    def _prepared(self, text: bytes, types: tuple[int, ...]) -> bytes:
        """The name under which this connection knows a statement; unknown ones are prepared."""
        key = (text, types)
        if key not in self._names:
            if len(self._names) >= _MOST_PREPARED:
                self.connection.execute("DEALLOCATE ALL")
                self._names.clear()
            if not self._names:
                self._prepare(_TENANT, SET_TENANT, ())
            name = b"read_%d" % len(self._names)
            self._prepare(name, text, types)
            self._names[key] = name
        return self._names[key]

    def _prepare(self, name: bytes, text: bytes, types: tuple[int, ...]) -> None:
        result = self.connection.pgconn.prepare(name, text, types)
        if result.status != ExecStatus.COMMAND_OK:
            raise self._failure(result)

    def _failure(self, result: PGresult) -> psycopg.Error:
        """What a result without rows means. libpq makes one without a state of its own when the connection breaks."""
        error = failure(result)
        if error.sqlstate is None:
            self.close()
        return error


def failure(result: PGresult) -> psycopg.Error:
    """What a result without rows means: an OperationalError without a state where the connection broke."""
    error = psycopg.errors.error_from_result(result)
    return psycopg.OperationalError(str(error)) if error.sqlstate is None else error


def answers_of(driver: PGconn, count: int) -> PQGen[list[PGresult]]:
    """Send what is queued; return the answers of so many statements, taking that of the Sync behind them too."""
    yield from send(driver)
    answers: list[PGresult] = []
    for _ in range(count + 1):
        results = yield from fetch_many(driver)
        if not results:
            raise psycopg.OperationalError("the server closed the connection")
        answers.append(results[0])
    return answers[:count]
