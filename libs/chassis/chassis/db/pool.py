"""The connections that transactions take turns with."""

import select
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from chassis.db.writer import Writer

PATIENCE = 3.0  # Seconds that a transaction waits for a connection.
_WRITER = "writer"


class Pool:
    """So many connections at most, made on first use; the one that was given back last is lent first.

    Only SQLAlchemy's pool is used here, and none of its sessions: what they do around a transaction cost as much as
    the transaction of a change (ADR 0044).
    """

    def __init__(self, connect: Callable[[], Any], size: int) -> None:
        self._pool: QueuePool = QueuePool(
            connect, pool_size=size, max_overflow=0, timeout=PATIENCE, use_lifo=True, reset_on_return=None
        )
        event.listen(self._pool, "reset", lambda connection, *_: _end_transaction(connection))
        event.listen(self._pool, "checkout", lambda connection, *_: _refuse_closed(connection))

    def lend(self) -> "Loan":
        """A connection that nobody else has. Raises sqlalchemy.exc.TimeoutError, psycopg.OperationalError."""
        return Loan(self._pool.connect())

    def forget(self) -> None:
        """Close the connections that are not lent; those that are will be kept no longer than their transactions."""
        self._pool.dispose()
        self._pool = self._pool.recreate()


class Loan:
    """A connection for as long as a transaction lasts, and its writer, which lives as long as the connection."""

    def __init__(self, proxy: PoolProxiedConnection) -> None:
        self._proxy = proxy
        known = proxy.info
        if _WRITER not in known:
            driver = proxy.driver_connection
            assert isinstance(driver, psycopg.Connection)
            known[_WRITER] = Writer(driver)
        self.writer: Writer = known[_WRITER]

    def give_back(self) -> None:
        """Lend it to others; one that is broken, or still in its transaction, is closed instead."""
        if self.writer.is_at_rest:
            self._proxy.close()
        else:
            self._proxy.invalidate()


def _end_transaction(connection: psycopg.Connection) -> None:
    """Roll back what nobody has ended: a session may have been forgotten."""
    if connection.pgconn.transaction_status != TransactionStatus.IDLE:
        connection.rollback()


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
