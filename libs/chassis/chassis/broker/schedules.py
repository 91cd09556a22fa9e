"""Periodic jobs of a worker: each at most once at a time over all workers of the service."""

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from threading import Event as Flag

import psycopg
import structlog
from sqlalchemy import text

from chassis import metrics
from chassis.db.session import Database
from chassis.db.statements import Prepared

PURGE_EVERY = timedelta(minutes=10)
PURGE_BATCH = 1000
LATEST_FIRST_TURN = 60.0
LONGEST_SLEEP = 1.0
CONNECTIONS = 4
_RARE = timedelta(minutes=1)

_PURGE = Prepared(text("SELECT purge_expired(:most)"))

log = structlog.get_logger()


@dataclass(frozen=True)
class Schedule:
    """A job that every worker starts `every` so often; `name` identifies it in the database, in logs and metrics.

    The job gets the database as the role of the service's handlers, and the flag that tells it to come to an end. It
    must be safe to repeat, to skip and to break off. `connections` bounds its transactions at a time. One that `asks`
    other services gets the service's `References` besides.
    """

    name: str
    every: timedelta
    job: Callable[..., None]
    connections: int = CONNECTIONS
    asks: bool = False


def purge_expired(database: Database, stop: Flag) -> None:
    """Delete what is past its keeping time from outbox, inbox and idempotency keys, in small transactions."""
    while not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            row = session.fetch_one(_PURGE, most=PURGE_BATCH)
        if row is None or row[0] == 0:
            return


PURGE = Schedule("purge-expired", PURGE_EVERY, purge_expired)


class Turns:
    """Whose turn a job is, over all workers of a service: advisory locks, on one connection for all jobs of a worker.

    A connection for each turn would cost more than most turns. The locks end with the connection, and so with the
    process. `url` is a direct connection: a session's locks do not survive a transaction pooler.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._opening = threading.Lock()
        self._connection: psycopg.Connection | None = None

    @contextmanager
    def taken(self, name: str) -> Iterator[bool]:
        """Have the turn of a job until the block ends; False where another worker has it. Raises psycopg.Error."""
        connection, got = self._lock(name)
        try:
            yield got
        finally:
            if got:
                # With a connection that is gone the lock is gone too.
                with suppress(psycopg.OperationalError):
                    connection.execute("SELECT pg_advisory_unlock(%s)", (lock_key(name),))

    def close(self) -> None:
        """Give back what is held; whoever takes a turn afterwards connects anew."""
        with self._opening:
            if self._connection is not None:
                self._connection.close()

    def _lock(self, name: str) -> tuple[psycopg.Connection, bool]:
        connection, is_new = self._connected()
        try:
            return connection, _try_lock(connection, name)
        except psycopg.OperationalError:
            # The server has closed it since the last turn; one that was just made has no such excuse.
            if is_new:
                raise
            connection.close()
        connection, _ = self._connected()
        return connection, _try_lock(connection, name)

    def _connected(self) -> tuple[psycopg.Connection, bool]:
        with self._opening:
            if self._connection is not None and not self._connection.closed:
                return self._connection, False
            self._connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=3, keepalives_idle=30, application_name="schedules"
            )
            return self._connection, True


class Scheduler:
    """Runs a job on `database` again and again, in the thread that it is given, whenever it has its turn.

    `further` is what the job gets beside the database and the flag.
    """

    def __init__(self, schedule: Schedule, database: Database, turns: Turns, *further: object) -> None:
        metrics.show_from_zero(metrics.SCHEDULE_RUNS, ("done", "failed", "elsewhere"), schedule.name)
        self._schedule = schedule
        self._database = database
        self._turns = turns
        self._further = further

    def run(self, stop: Flag, beat: Callable[[], None]) -> None:
        """Work until `stop`. A job that fails is logged and has its next turn as if nothing had happened."""
        every = self._schedule.every.total_seconds()
        # Workers started together take their turns apart, and a worker that restarts often still gets to them.
        first = min(every, LATEST_FIRST_TURN)
        due = time.monotonic() + first * random.uniform(0.1, 1.0)  # noqa: S311  # Spreads load; nothing secret.
        while not stop.wait(min(LONGEST_SLEEP, max(0.0, due - time.monotonic()))):
            beat()
            if due <= time.monotonic():
                self._turn(stop)
                due = time.monotonic() + every

    def _turn(self, stop: Flag) -> None:
        name = self._schedule.name
        try:
            with self._turns.taken(name) as ours:
                if not ours:
                    metrics.SCHEDULE_RUNS.labels(name, "elsewhere").inc()
                    return
                self._schedule.job(self._database, stop, *self._further)
        except Exception:
            metrics.SCHEDULE_RUNS.labels(name, "failed").inc()
            log.exception("job failed", job=name)
        else:
            metrics.SCHEDULE_RUNS.labels(name, "done").inc()
        finally:
            if self._schedule.every >= _RARE:
                # A connection that idles until the next turn takes 2 MiB of the server's memory.
                self._database.dispose()


def _try_lock(connection: psycopg.Connection, name: str) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (lock_key(name),), prepare=True).fetchone()
    return row is not None and bool(row[0])


def lock_key(name: str) -> int:
    """The advisory lock of a job: 63 bits of its name's hash."""
    return int.from_bytes(hashlib.sha256(f"schedule:{name}".encode()).digest()[:8], "big") >> 1
