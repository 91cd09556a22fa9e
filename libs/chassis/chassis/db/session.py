"""The session: one transaction per request or message, each begun with its tenant; reads in a single round trip."""

import select
import threading
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from sqlalchemy import Connection, create_engine, event, orm
from sqlalchemy.engine import make_url
from sqlalchemy.exc import InvalidatePoolError

from chassis import tracing
from chassis.context import current
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
_WRITER = "writer"


class BypassError(Exception):
    """The service's role could see past row-level security; nothing may start like that."""


class RawJson(Loader):
    """JSON as the bytes that PostgreSQL made: it goes into answers and events unparsed. (jsonb is parsed as ever.)"""

    def load(self, data: Buffer) -> bytes:
        return bytes(data)


class Session(orm.Session):
    """A SQLAlchemy session whose every transaction has the tenant of the context.

    `fetch` runs a prepared statement: inside the transaction once there is one, else, if it only reads, in one round
    trip of its own. A statement with the parameter TENANT gets it from the context, here as in `Database.read`.
    """

    database: "Database"
    # Asking SQLAlchemy for the connection costs as much as sending a statement, so it is asked once a transaction and
    # once a savepoint, which are begun by being asked for.
    _writer: Writer | None = None

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

    def close(self) -> None:
        """End the transaction, if there is one; where it only read outside of one, there is nothing to end."""
        if self.in_transaction():
            super().close()

    @property
    def writer(self) -> Writer:
        """The transaction's connection; it begins where it has not, and so does a savepoint."""
        if self._writer is None:
            self._writer = _writer(self.connection())
        return self._writer


class Database:
    """One database as one role: a pool for transactions, and a connection per thread for reads.

    `url` is a libpq URL. `pool_size` bounds the transactions at a time; threads that only read hold one more
    connection each. Connections are made on first use.
    """

    def __init__(self, url: str, *, pool_size: int = 4, application_name: str = "crm") -> None:
        parsed = make_url(url).set(drivername="postgresql+psycopg")
        self._conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self._arguments: dict[str, Any] = {
            "options": OPTIONS,
            "application_name": application_name,
            "connect_timeout": 3,
            "keepalives_idle": 30,
        }
        self.engine = create_engine(
            parsed,
            connect_args=self._arguments,
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=3,
            pool_use_lifo=True,
        )
        event.listen(self.engine, "connect", lambda connection, _: _adapt(connection))
        event.listen(self.engine, "checkout", lambda connection, *_: _refuse_closed(connection))
        # What SQLAlchemy sends itself, savepoints above all, comes behind what has waited.
        for moment in ("savepoint", "before_cursor_execute"):
            event.listen(self.engine, moment, lambda connection, *_: _writer(connection).flush())
        event.listen(self.engine, "commit", lambda connection: _writer(connection).commit())
        event.listen(self.engine, "rollback", lambda connection: _writer(connection).forget())
        event.listen(self.engine, "rollback_savepoint", lambda connection, *_: _writer(connection).forget())
        self._local = threading.local()
        # Weakly: with a thread its reader goes, however the thread came to an end.
        self._readers: weakref.WeakSet[Reader] = weakref.WeakSet()

    def session(self) -> Session:
        """A new session; it begins its transaction with its first statement."""
        session = Session(self.engine, autoflush=False, expire_on_commit=False)
        session.database = self
        return session

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose transaction commits at the end of the block and rolls back on any exception."""
        with self.session() as session, session.begin():
            yield session

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
            reader = Reader(self._connect)
            self._local.reader = reader
            self._readers.add(reader)
        return reader

    def _connect(self) -> psycopg.Connection:
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

    def dispose(self) -> None:
        """Close the pool and every thread's reader; whoever reads afterwards connects anew."""
        self.engine.dispose()
        while self._readers:
            self._readers.pop().close()


@event.listens_for(Session, "after_begin")
def _set_tenant(_: orm.Session, __: orm.SessionTransaction, connection: Connection) -> None:
    """Give the transaction its tenant along with its BEGIN; without one it sees no tenant's rows."""
    _writer(connection).begin(current().company_id)


@event.listens_for(Session, "after_transaction_create")
@event.listens_for(Session, "after_transaction_end")
def _forget_writer(session: Session, _: orm.SessionTransaction) -> None:
    session._writer = None  # noqa: SLF001  # The session's own event.


@event.listens_for(Session, "before_commit")
def _end_savepoint(session: Session) -> None:
    """Run what has waited in a savepoint before it ends, while a failure can still be rolled back to where it began."""
    if session.in_nested_transaction() and session._writer is not None:  # noqa: SLF001  # The session's own event.
        session._writer.flush()  # noqa: SLF001  # As above.


def set_tenant(session: Session, company_id: int) -> None:
    """Move an open transaction to a tenant: for a batch of messages, and for registering a company."""
    session.writer.begin(company_id)


def _writer(connection: Connection) -> Writer:
    """The writer of a connection of the pool, which lives as long as it does."""
    known = connection.info
    if _WRITER not in known:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        known[_WRITER] = Writer(driver)
    writer: Writer = known[_WRITER]
    return writer


def _refuse_closed(connection: psycopg.Connection) -> None:
    """Have the pool replace a connection that the server has closed while nobody used it, and all that are as old.

    After a restart of the server each of them would fail the first request that gets it. Nothing is sent: an idle
    connection on which there is something to read has been told that it is at its end.
    """
    waiting = select.poll()
    waiting.register(connection.pgconn.socket, select.POLLIN)
    if waiting.poll(0) and not _is_alive(connection):
        raise InvalidatePoolError("the server has closed the connection")


def _is_alive(connection: psycopg.Connection) -> bool:
    """Ask a connection that had something to read: what came may as well have been a notice."""
    try:
        connection.execute("")
    except psycopg.OperationalError:
        return False
    connection.rollback()
    return True


def _adapt(connection: Any) -> None:
    connection.adapters.register_loader("json", RawJson)
