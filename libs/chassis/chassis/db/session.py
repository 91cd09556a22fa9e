"""The session: one transaction per request or message, each begun with its tenant; reads in a single round trip."""

import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self

import psycopg
import structlog
from psycopg.abc import Buffer
from psycopg.adapt import Loader

from chassis import tracing
from chassis.context import current
from chassis.db.pool import Loan, Pool
from chassis.db.reader import Reader
from chassis.db.statements import Prepared
from chassis.db.writer import Later, Writer

OPTIONS = (
    "-c timezone=UTC -c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=30000 "
    # Every statement is one of a fixed set with the tenant as a parameter, so a plan made once serves all values;
    # planning anew for each call costs more than the call.
    "-c plan_cache_mode=force_generic_plan"
)
# A page is a matter of milliseconds; what takes this long is a question that one tenant asks and all would pay for.
READ_DEADLINE = "-c statement_timeout=3000"

log = structlog.get_logger()


class BypassError(Exception):
    """The service's role could see past row-level security; nothing may start like that."""


class RawJson(Loader):
    """JSON as the bytes that PostgreSQL made: it goes into answers and events unparsed. (jsonb is parsed as ever.)"""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class Session:
    """Transactions, one after the other, each in the tenant of the context and on a connection of the pool.

    `fetch` runs a prepared statement: inside the transaction once there is one, else, if it only reads, in one round
    trip of its own. A statement with the parameter TENANT gets it from the context, here as in `Database.read`.
    What is neither committed nor rolled back is rolled back where the block of the session ends.
    """

    def __init__(self, database: "Database") -> None:
        self.database = database
        self._is_begun = False
        self._loan: Loan | None = None
        self._writer: Writer | None = None
        self._lasting: list[tuple[int | str, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.rollback()

    def fetch(self, statement: Prepared, **parameters: Any) -> list[tuple[Any, ...]]:
        """All rows that the statement returns. Raises psycopg.Error."""
        if statement.reads and not self.in_transaction():
            return self.database.read(statement, parameters)
        with tracing.statement(statement.sql):
            return self.writer.fetch(statement, statement.bind(parameters))

    def fetch_one(self, statement: Prepared, **parameters: Any) -> tuple[Any, ...] | None:
        """The first row, or None."""
        rows = self.fetch(statement, **parameters)
        return rows[0] if rows else None

    def run(self, statement: Prepared, **parameters: Any) -> int:
        """Run a statement that returns no rows, in the transaction; answers how many rows it touched."""
        with tracing.statement(statement.sql):
            return self.writer.run(statement, statement.bind(parameters))

    def run_later(self, statement: Prepared, **parameters: Any) -> None:
        """Run a statement of which nothing but its effect matters, in one round trip with the next one or the commit.

        What it fails with is raised there.
        """
        with tracing.statement(statement.sql):
            self.writer.run_later(statement, statement.bind(parameters))

    def fetch_later(self, statement: Prepared, **parameters: Any) -> Later:
        """Ask for rows in one round trip with the next statement, in the transaction, whose order is kept.

        What it fails with is raised there, or where the rows are asked for.
        """
        with tracing.statement(statement.sql):
            return self.writer.fetch_later(statement, statement.bind(parameters))

    def run_once(self, key: tuple[int | str, ...], statement: Prepared, **parameters: Any) -> None:
        """Run a statement later, unless a transaction has committed it on this connection: what it does must last.

        `key` says what is done. A database that is restored or fails over closes its connections, and they forget it.
        """
        if key not in self.writer.done:
            self.run_later(statement, **parameters)
            self._lasting.append(key)

    def begin(self) -> None:
        """Have what follows run in one transaction, what only reads as well; it begins with its first statement."""
        self._is_begun = True

    def in_transaction(self) -> bool:
        """Whether there is a transaction, or what follows will be in one."""
        return self._is_begun

    def commit(self) -> None:
        """Keep what the transaction has done, in one round trip with what waits.

        Raises psycopg.Error, and RuntimeError where a failure of the database was passed over: then it is rolled back.
        """
        if self._writer is not None:
            try:
                self._writer.commit()
            except BaseException:
                self.rollback()
                raise
            self._writer.note_done(self._lasting)
        self._end()

    def rollback(self) -> None:
        """Keep nothing of the transaction, if there is one. A connection that is broken is thrown away."""
        if self._writer is not None:
            with suppress(psycopg.Error):
                self._writer.rollback()
        self._end()

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """A part of the transaction: where the block raises, what it did is undone, and the transaction goes on."""
        writer = self.writer
        part = writer.begin_part()
        try:
            yield
            self._refuse_other(writer)
            writer.end_part()
        except BaseException:
            if self._writer is writer:
                # What was to last may have been done in this part.
                self._lasting.clear()
                # Where even this fails, the connection is broken: whoever goes on with it is told so.
                with suppress(psycopg.Error):
                    writer.undo_part(part)
            raise

    @property
    def writer(self) -> Writer:
        """The transaction's connection; it begins where it has not."""
        if self._writer is None:
            self._is_begun = True
            self._loan = self.database.lend()
            self._writer = self._loan.writer
            self._writer.begin(current().company_id)
        return self._writer

    def _refuse_other(self, writer: Writer) -> None:
        if self._writer is not writer:
            raise RuntimeError("the transaction ended before its savepoint")

    def _end(self) -> None:
        self._is_begun = False
        self._lasting.clear()
        loan, self._loan, self._writer = self._loan, None, None
        if loan is not None:
            loan.give_back()


class Database:
    """One database as one role: a pool for transactions, and a connection per thread for reads.

    `url` is a libpq URL. `pool_size` bounds the transactions at a time; threads that only read hold one more
    connection each. Connections are made on first use.
    """

    def __init__(self, url: str, *, pool_size: int = 4, application_name: str = "crm") -> None:
        self._conninfo = url
        self._arguments: dict[str, Any] = {
            "options": OPTIONS,
            "application_name": application_name,
            "connect_timeout": 3,
            "keepalives_idle": 30,
        }
        self._pool = Pool(self._connect, pool_size)
        self._local = threading.local()
        # Weakly: with a thread its reader goes, however the thread came to an end.
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()

    def session(self) -> Session:
        """A new session; it begins its transaction with its first statement that writes."""
        return Session(self)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose transaction commits at the end of the block and rolls back on any exception."""
        with Session(self) as session:
            session.begin()
            yield session
            session.commit()

    def lend(self) -> Loan:
        """A connection for a transaction. Raises sqlalchemy.exc.TimeoutError, psycopg.OperationalError."""
        return self._pool.lend()

    def read(self, statement: Prepared, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Answer a read in one round trip, in an implicit transaction that begins by setting the tenant.

        A connection that the server closed meanwhile, or whose plans a migration outdated, is replaced, once: a read
        can be asked again.
        """
        with tracing.statement(statement.sql):
            return self._read(statement, statement.bind(parameters))

    def _read(self, statement: Prepared, bound: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        company_id = current().company_id
        reader = self._reader()
        try:
            return reader.read(company_id, statement, bound)
        except psycopg.errors.FeatureNotSupported:
            pass
        except psycopg.OperationalError:
            if not reader.closed:
                raise
        self._forget_reader()
        return self._reader().read(company_id, statement, bound)

    def _reader(self) -> Reader:
        reader: Reader | None = getattr(self._local, "reader", None)
        if reader is None:
            reader = Reader(self._connect_to_read)
            self._local.reader = reader
            self._readers.add(reader)
        return reader

    def _connect(self) -> psycopg.Connection:
        connection = psycopg.connect(self._conninfo, **self._arguments)
        _adapt(connection)
        return connection

    def _connect_to_read(self) -> psycopg.Connection:
        options = f"{OPTIONS} -c default_transaction_read_only=on {READ_DEADLINE}"
        connection = psycopg.connect(self._conninfo, autocommit=True, **{**self._arguments, "options": options})
        _adapt(connection)
        return connection

    def _forget_reader(self) -> None:
        """Close this thread's reader; the next read makes a new one."""
        self._readers.discard(self._local.reader)
        self._local.reader.close()
        self._local.reader = None

    def ping(self) -> None:
        """One round trip. Raises psycopg.Error when the database does not answer."""
        self._reader_or_new().connection.execute("SELECT 1")

    def _reader_or_new(self) -> Reader:
        if self._reader().closed:
            self._forget_reader()
        return self._reader()

    def refuse_bypass(self) -> None:
        """Raise BypassError when this role is a superuser, has BYPASSRLS, or owns or inherits the owner of a table."""
        rows = (
            self._reader_or_new()
            .connection.execute(
                """
            SELECT rolsuper, rolbypassrls, EXISTS (
                SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
                AND pg_has_role(current_user, c.relowner, 'MEMBER'))
            FROM pg_roles WHERE rolname = current_user
            """
            )
            .fetchone()
        )
        if rows is None or any(rows):
            raise BypassError(
                "this database role is a superuser, has BYPASSRLS or owns tables: row-level security would not hold"
            )

    def forget_connections(self) -> None:
        """Close those of the pool that are not lent, and lend none again of those that are."""
        self._pool.forget()

    def dispose(self) -> None:
        """Close the connections that nobody uses, and every thread's reader; who comes afterwards connects anew."""
        self._pool.forget()
        while self._readers:
            self._readers.pop().close()


def set_tenant(session: Session, company_id: int) -> None:
    """Move an open transaction to a tenant: for a batch of messages, and for registering a company."""
    session.writer.begin(company_id)


def _adapt(connection: Any) -> None:
    connection.adapters.register_loader("json", RawJson)
