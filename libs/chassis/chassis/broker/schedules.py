"""Periodic jobs of a worker: each at most once at a time over all workers of the service."""

import hashlib
import random
import time
from collections.abc import Callable
from contextlib import closing
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


class Scheduler:
    """Runs a job on `database` again and again, in the thread that it is given; `url` is where it takes its lock.

    `further` is what the job gets beside the database and the flag.
    """

    def __init__(self, schedule: Schedule, database: Database, url: str, *further: object) -> None:
        metrics.show_from_zero(metrics.SCHEDULE_RUNS, ("done", "failed", "elsewhere"), schedule.name)
        self._schedule = schedule
        self._database = database
        self._url = url
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
            with closing(psycopg.connect(self._url, autocommit=True, connect_timeout=3)) as holder:
                row = holder.execute("SELECT pg_try_advisory_lock(%s)", (lock_key(name),)).fetchone()
                if row is None or not row[0]:
                    metrics.SCHEDULE_RUNS.labels(name, "elsewhere").inc()
                    return
                self._schedule.job(self._database, stop, *self._further)
        except Exception:
            metrics.SCHEDULE_RUNS.labels(name, "failed").inc()
            log.exception("job failed", job=name)
        else:
            metrics.SCHEDULE_RUNS.labels(name, "done").inc()


def lock_key(name: str) -> int:
    """The advisory lock of a job: 63 bits of its name's hash."""
    return int.from_bytes(hashlib.sha256(f"schedule:{name}".encode()).digest()[:8], "big") >> 1
