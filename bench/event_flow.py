"""Events from the outbox of customers to the rows of audit: how many a second, and how long one takes."""

import statistics
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from itertools import count

import psycopg

from bench.data import TENANTS, user_of
from bench.system import PATIENCE, System
from chassis.context import Context, acting_as
from chassis.db import outbox
from chassis.db.session import Database, Session
from customers.events import CUSTOMER_CREATED, SOURCE
from customers.queries.customers import get_customer

WORKER = "customers-worker-1"
RATE_TARGET = 4_000.0
P50_TARGET = 150.0
P99_TARGET = 1_000.0
PER_SECOND = 100
SOME_CUSTOMER = 1  # Of tenant 1: the first that bench.data loads.
# Records that do not exist, so that no event here shares an aggregate with a created customer.
_record_ids = count(10**12)
_COUNT = (
    "SELECT company_id, count(*) FROM audit_logs WHERE company_id = ANY (%s) AND request_id = %s GROUP BY company_id"
)
_NEW = "SELECT id, event_id::text FROM audit_logs WHERE company_id = %s AND request_id = %s AND id > %s"


@dataclass(frozen=True)
class EventFlow:
    """`rate` in events per second; latencies in milliseconds, from the commit of the change to the audit row."""

    events: int
    rate: float
    p50: float
    p99: float

    @property
    def reached(self) -> bool:
        return self.rate >= RATE_TARGET and self.p50 <= P50_TARGET and self.p99 <= P99_TARGET


def measure(system: System, *, events: int, seconds: int) -> EventFlow:
    """Both figures, one after the other."""
    database = Database(system.stack.database_url("customers"), pool_size=1, application_name="bench")
    try:
        system.settle()
        with acting_as(_context(1, "-")), database.transaction() as session:
            document = get_customer(session, SOME_CUSTOMER).json
        rate = _throughput(system, database, document, events)
        latencies = _latencies(system, database, document, seconds)
    finally:
        database.dispose()
    cuts = statistics.quantiles(latencies, n=100)
    return EventFlow(events, rate, statistics.median(latencies), cuts[98])


def _throughput(system: System, database: Database, document: bytes, events: int) -> float:
    """Write a backlog while the worker is away, and time its way from the first audit row to the last."""
    request_id = f"bench-{uuid.uuid4()}"
    system.stack.stop_program(WORKER)
    written: Counter[int] = Counter()
    for first in range(0, events, 500):
        tenant, count = first // 500 % TENANTS + 1, min(500, events - first)
        with acting_as(_context(tenant, request_id)), database.transaction() as session:
            for _ in range(count):
                _record(session, document)
        written[tenant] += count
    *_, last = written
    with psycopg.connect(system.url("audit"), autocommit=True) as audit:

        def arrived(*tenants: int) -> int:
            rows = audit.execute(_COUNT, (list(tenants), request_id), prepare=True).fetchall()
            return sum(count for _, count in rows)

        system.stack.start_program(WORKER, wait=False)
        deadline = time.monotonic() + PATIENCE
        while not (before := arrived(*written)):
            _pause(deadline, 0.01)
        began = time.monotonic()
        # Those of the last tenant are about the last to come. To count all of them each time would take a twentieth of
        # the time that is measured.
        while arrived(last) < written[last]:
            _pause(deadline, 0.02)
        while arrived(*written) < events:
            _pause(deadline, 0.02)
        return (events - before) / (time.monotonic() - began)


def _latencies(system: System, database: Database, document: bytes, seconds: int) -> list[float]:
    """Commit PER_SECOND events a second, one a transaction, and watch the audit log for each."""
    request_id = f"bench-{uuid.uuid4()}"
    committed: dict[str, float] = {}
    total = seconds * PER_SECOND

    def write() -> None:
        began = time.monotonic()
        with acting_as(_context(1, request_id)):
            for number in range(total):
                time.sleep(max(0.0, began + number / PER_SECOND - time.monotonic()))
                with database.transaction() as session:
                    event_id = _record(session, document)
                committed[event_id] = time.monotonic()

    system.settle()
    writer = threading.Thread(target=write)
    writer.start()
    seen: dict[str, float] = {}
    highest = 0
    deadline = time.monotonic() + seconds + PATIENCE
    with psycopg.connect(system.url("audit"), autocommit=True) as audit:
        while len(seen) < total:
            # A row's id is drawn before its commit, so lower ones may still appear.
            rows = audit.execute(_NEW, (1, request_id, highest - 1_000), prepare=True).fetchall()
            now = time.monotonic()
            for row_id, event_id in rows:
                seen.setdefault(event_id, now)
                highest = max(highest, row_id)
            _pause(deadline, 0.005)
    writer.join()
    return [(seen[event_id] - at) * 1000 for event_id, at in committed.items()]


def _context(company_id: int, request_id: str) -> Context:
    return Context(company_id=company_id, user_id=user_of(company_id), request_id=request_id, client_ip="127.0.0.1")


def _record(session: Session, document: bytes) -> str:
    return outbox.record(
        session,
        CUSTOMER_CREATED,
        source=SOURCE,
        record_id=next(_record_ids),
        version=1,
        before=None,
        after=document,
    )


def _pause(deadline: float, seconds: float) -> None:
    if time.monotonic() > deadline:
        raise SystemExit(f"the events did not reach the audit log within {PATIENCE:.0f} s")
    time.sleep(seconds)
