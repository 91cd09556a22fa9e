"""A connection for transactions: statements are prepared on it and sent by libpq's own functions, without a cursor."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import abc
from psycopg.adapt import PyFormat, Transformer
from psycopg.generators import execute
from psycopg.pq import ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult

from chassis.db.reader import SET_TENANT, answers_of, failure
from chassis.db.statements import Prepared

_BEGIN, _TENANT, _COMMIT, _PART, _KEEP, _UNDO = b"begin", b"tenant", b"commit", b"part", b"keep", b"undo"
# A savepoint of a name hides an earlier one of that name until it is released (PostgreSQL documentation, "SAVEPOINT").
_OWN = {
    _BEGIN: b"BEGIN",
    _TENANT: SET_TENANT,
    _COMMIT: b"COMMIT",
    _PART: b"SAVEPOINT part",
    _KEEP: b"RELEASE SAVEPOINT part",
    _UNDO: b"ROLLBACK TO SAVEPOINT part",
}
# A statement whose values have other types is another one to PostgreSQL, and each takes memory of the server: a
# connection forgets them all when it knows this many, and prepares none that comes only once.
_MOST_PREPARED = 150
_MOST_SEEN = 1000
# Of what need not be done again on a connection so much is kept; then it begins anew.
_MOST_DONE = 10_000
# Who writes much gets its own round trips.
_MOST_WAITING = 64

_Key = tuple[bytes, tuple[int, ...]]


class Later:
    """What a statement that waits will answer: it comes with the answer of the next one, or when it is asked for."""

    def __init__(self, writer: "Writer", adapter: abc.Transformer) -> None:
        self._writer = writer
        self._adapter = adapter
        self._answer: tuple[list[tuple[Any, ...]], int] | None = None

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        """All rows that it returns. Raises psycopg.Error, also for what has waited beside it."""
        return self._answered[0]

    @property
    def touched(self) -> int:
        """How many rows it has written or returned. Raises as above."""
        return self._answered[1]

    def take(self, answer: PGresult) -> None:
        """Keep what the server has answered."""
        self._adapter.set_pgresult(answer)
        self._answer = self._adapter.load_rows(0, answer.ntuples, tuple), answer.command_tuples or 0

    @property
    def _answered(self) -> tuple[list[tuple[Any, ...]], int]:
        if self._answer is None:
            self._writer.flush()
        if self._answer is None:
            raise psycopg.ProgrammingError("the statement was rolled back before it ran")
        return self._answer


class _Sending(NamedTuple):
    """A statement with its values, as it goes to the server: by its name, or with its text where it has none."""

    name: bytes | None
    text: bytes = b""
    values: Sequence[abc.Buffer | None] | None = None
    types: tuple[int, ...] = ()
    formats: Sequence[Any] | None = None
    answer: Format = Format.TEXT
    later: Later | None = None


class Writer:
    """One connection of the pool, as long as it lives.

    What a cursor of psycopg does around a statement costs a process more than most statements of a service take, so
    they are sent here by its public functions, as `chassis.db.reader` does. What answers nothing that anybody waits for
    (the transaction's BEGIN and its tenant among it) waits for the next statement and is sent in one round trip with
    it.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        # A rollback has psycopg forget all statements on the server, if it has prepared any, and with them these.
        connection.prepare_threshold = None
        self._names: dict[_Key, bytes] = {}
        self._seen: set[_Key] = set()
        self._prepared = 0
        self._has_own = False
        self._waiting: list[_Sending] = []
        self.done: set[tuple[int | str, ...]] = set()

    def begin(self, company_id: int | None) -> None:
        """Have the transaction begin with the next statement, where it has not, and in this tenant from there on."""
        self._prepare_own()
        if not self._waiting and self._connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._waiting.append(_Sending(_BEGIN))
        self._waiting.append(_Sending(_TENANT, values=[b"" if company_id is None else b"%d" % company_id]))

    def fetch(self, statement: Prepared, bound: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """All rows that a statement returns. Raises psycopg.Error, also for what has waited for it."""
        adapter, answer = self._send(statement, bound)
        if answer.status != ExecStatus.TUPLES_OK:
            raise psycopg.ProgrammingError("the statement returns no rows")
        adapter.set_pgresult(answer)
        return adapter.load_rows(0, answer.ntuples, tuple)

    def run(self, statement: Prepared, bound: Mapping[str, Any]) -> int:
        """How many rows a statement has touched. Raises psycopg.Error, also for what has waited for it."""
        _, answer = self._send(statement, bound)
        return answer.command_tuples or 0

    def run_later(self, statement: Prepared, bound: Mapping[str, Any]) -> None:
        """Run a statement before the next one, in one round trip with it."""
        self._put_off(self._sending(Transformer(self._connection), statement, bound))

    def fetch_later(self, statement: Prepared, bound: Mapping[str, Any]) -> Later:
        """The same of a statement that returns rows."""
        adapter: abc.Transformer = Transformer(self._connection)
        later = Later(self, adapter)
        self._put_off(self._sending(adapter, statement, bound)._replace(later=later))
        return later

    def _put_off(self, sending: _Sending) -> None:
        self._waiting.append(sending)
        if len(self._waiting) >= _MOST_WAITING:
            self.flush()

    def open_connection(self) -> psycopg.Connection:
        """The connection in its transaction, for what no prepared statement does. Raises psycopg.Error."""
        self.flush()
        return self._connection

    def flush(self) -> None:
        """Run what has waited. Raises psycopg.Error."""
        if self._waiting:
            self._together([])

    def commit(self) -> None:
        """Commit in one round trip with what has waited; what has not even begun ends as it is.

        Raises psycopg.Error, and RuntimeError where a statement has failed and nobody has rolled back: PostgreSQL would
        answer that COMMIT with a silent rollback.
        """
        status = self._connection.pgconn.transaction_status
        if status == TransactionStatus.INERROR:
            raise RuntimeError("a failure of the database was caught, and its aborted transaction went on")
        if self._waits_safely:
            self._waiting.clear()
        if self._waiting or status != TransactionStatus.IDLE:
            self._run(_Sending(_COMMIT))

    def rollback(self) -> None:
        """Keep nothing, of what waits either. Raises psycopg.Error where the connection is broken."""
        self._waiting.clear()
        if self._connection.pgconn.transaction_status != TransactionStatus.IDLE:
            self._connection.rollback()

    def begin_part(self) -> object:
        """Have a part of the transaction begin; the answer names it to `undo_part`.

        What waits and might fail runs before it, so that the failure is not taken for one of the part. Raises
        psycopg.Error for it.
        """
        if not self._waits_safely:
            self.flush()
        part = _Sending(_PART)
        self._put_off(part)
        return part

    def end_part(self) -> None:
        """Keep the last part that has begun. Raises psycopg.Error for what has waited in it: then it goes on."""
        self._run(_Sending(_KEEP))

    def undo_part(self, part: object) -> None:
        """Undo the last part that has begun; what waited before it still does. Raises psycopg.Error."""
        for index, sending in enumerate(self._waiting):
            if sending is part:
                del self._waiting[index:]
                return
        self._waiting.clear()
        self._run(_Sending(_UNDO))
        self._put_off(_Sending(_KEEP))

    @property
    def _waits_safely(self) -> bool:
        """Whether only that waits which says where transactions and their parts begin and end."""
        return all(sending.name in _OWN for sending in self._waiting)

    def note_done(self, keys: Collection[tuple[int | str, ...]]) -> None:
        """Note what a transaction on this connection has committed that lasts."""
        if len(self.done) + len(keys) > _MOST_DONE:
            self.done.clear()
        self.done.update(keys)

    @property
    def is_at_rest(self) -> bool:
        """Whether another transaction may begin here: it is not so in one, nor where the connection is broken."""
        return not self._waiting and self._connection.pgconn.transaction_status == TransactionStatus.IDLE

    def _send(self, statement: Prepared, bound: Mapping[str, Any]) -> tuple[abc.Transformer, PGresult]:
        adapter: abc.Transformer = Transformer(self._connection)
        return adapter, self._run(self._sending(adapter, statement, bound))

    def _run(self, sending: _Sending) -> PGresult:
        """Run it behind what has waited, in one round trip with it. Raises psycopg.Error, also for what has waited."""
        if self._waiting:
            return self._together([sending])
        self._hand_over(sending)
        try:
            results: list[PGresult] = self._connection.wait(execute(self._connection.pgconn))
            if not results:
                raise psycopg.OperationalError("the server closed the connection")
            self._refuse_failed(results[-1])
        except psycopg.errors.FeatureNotSupported:
            self._prepare_anew([sending])
            raise
        return results[-1]

    def _together(self, last: Sequence[_Sending]) -> PGresult:
        """Run what has waited and what is given behind it; the answer of the last of them.

        The first that fails is raised, and none behind it has been run.
        """
        every = [*self._waiting, *last]
        self._waiting.clear()
        driver = self._connection.pgconn
        driver.enter_pipeline_mode()
        try:
            for sending in every:
                self._hand_over(sending)
            driver.pipeline_sync()
            answers = self._connection.wait(answers_of(driver, len(every)))
            driver.exit_pipeline_mode()
        except BaseException:
            # Answers may still be on their way; the next statement must not take them for its own.
            self._connection.close()
            raise
        try:
            for answer in answers:
                self._refuse_failed(answer)
        except psycopg.errors.FeatureNotSupported:
            self._prepare_anew(every)
            raise
        for sending, answer in zip(every, answers, strict=True):
            if sending.later is not None:
                sending.later.take(answer)
        return answers[-1]

    def _hand_over(self, sending: _Sending) -> None:
        driver = self._connection.pgconn
        if sending.name is None:
            driver.send_query_params(sending.text, sending.values, sending.types, sending.formats, sending.answer)
        else:
            driver.send_query_prepared(sending.name, sending.values, sending.formats, sending.answer)

    def _sending(self, adapter: abc.Transformer, statement: Prepared, bound: Mapping[str, Any]) -> _Sending:
        order = statement.order
        values = adapter.dump_sequence([bound[name] for name in order], [PyFormat.AUTO] * len(order))
        types = adapter.types or ()
        name = self._name(statement.numbered, types)
        answer = Format.BINARY if statement.binary else Format.TEXT
        return _Sending(name, statement.numbered, values, types, adapter.formats, answer)

    def _prepare_anew(self, failed: Sequence[_Sending]) -> None:
        """A migration has outdated the plan of one of these: the next transaction prepares it anew."""
        for sending in failed:
            self._names.pop((sending.text, sending.types), None)

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
            self.flush()
            self._connection.execute("DEALLOCATE ALL")
            self._names.clear()
            self._has_own = False
            self._prepare_own()
        self._prepared += 1
        name = b"write_%d" % self._prepared
        self._prepare(name, text, types)
        self._names[key] = name
        return name

    def _prepare_own(self) -> None:
        if not self._has_own:
            for name, text in _OWN.items():
                self._prepare(name, text, ())
            self._has_own = True

    def _prepare(self, name: bytes, text: bytes, types: tuple[int, ...]) -> None:
        self._refuse_failed(self._connection.pgconn.prepare(name, text, types))

    def _refuse_failed(self, answer: PGresult) -> None:
        if answer.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
            raise failure(answer)
