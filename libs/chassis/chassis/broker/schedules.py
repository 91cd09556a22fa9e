"""Periodic jobs of a worker: each at most once at a time over all workers of the service."""

import hashlib
import random
import time
from collections.abc import Callable, Sequence
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

_PURGE = Prepared(text("SELECT purge_expired(:most)"))

log = structlog.get_logger()


@dataclass(frozen=True)
class Schedule:
    """A job that every worker starts `every` so often; `name` identifies it in the database, in logs and metrics.

    The job gets the database as the role of the service's handlers. It must be safe to repeat and to skip.
    """

    name: str
    every: timedelta
    job: Callable[[Database], None]


def purge_expired(database: Database) -> None:
    """Delete what is past its keeping time from outbox, inbox and idempotency keys, in small transactions."""
    while True:
        with database.transaction() as session:
            row = session.fetch_one(_PURGE, most=PURGE_BATCH)
        if row is None or row[0] == 0:
            return
        time.sleep(0.05)  # The service's own work goes first.


PURGE = Schedule("purge-expired", PURGE_EVERY, purge_expired)


class Scheduler:
    """Runs jobs in turn in one thread. Each comes with the database that it works on and that holds its lock."""

    def __init__(self, jobs: Sequence[tuple[Schedule, Database, str]]) -> None:
        self._jobs = jobs

    def run(self, stop: Flag, beat: Callable[[], None]) -> None:
        """Work until `stop`. A job that fails is logged and has its next turn as if nothing had happened."""
        now = time.monotonic()
        due = {}
        for schedule, _, _ in self._jobs:
            # Workers started together take their turns apart, and a worker that restarts often still gets to them.
            first = min(schedule.every.total_seconds(), LATEST_FIRST_TURN)
            due[schedule.name] = now + first * random.uniform(0.1, 1.0)  # noqa: S311  # Spreads load; nothing secret.
        while not stop.wait(min(1.0, max(0.0, min(due.values(), default=now + 1.0) - time.monotonic()))):
            beat()
            for schedule, database, url in self._jobs:
                if due[schedule.name] <= time.monotonic() and not stop.is_set():
                    self._turn(schedule, database, url)
                    due[schedule.name] = time.monotonic() + schedule.every.total_seconds()
                    beat()

    @staticmethod
    def _turn(schedule: Schedule, database: Database, url: str) -> None:
        try:
            with closing(psycopg.connect(url, autocommit=True, connect_timeout=3)) as holder:
                row = holder.execute("SELECT pg_try_advisory_lock(%s)", (lock_key(schedule.name),)).fetchone()
                if row is None or not row[0]:
                    metrics.SCHEDULE_RUNS.labels(schedule.name, "elsewhere").inc()
                    return
                schedule.job(database)
        except Exception:
            metrics.SCHEDULE_RUNS.labels(schedule.name, "failed").inc()
            log.exception("job failed", job=schedule.name)
        else:
            metrics.SCHEDULE_RUNS.labels(schedule.name, "done").inc()


def lock_key(name: str) -> int:
    """The advisory lock of a job: 63 bits of its name's hash."""
    return int.from_bytes(hashlib.sha256(f"schedule:{name}".encode()).digest()[:8], "big") >> 1
