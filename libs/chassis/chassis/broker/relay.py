"""The relay: takes committed events from the outbox to the broker, in order per aggregate, and never drops one."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from threading import Event as Flag
from typing import Any, NamedTuple

import orjson
import psycopg
import structlog
from sqlalchemy import text

from chassis import metrics, tracing
from chassis.broker import topology
from chassis.broker.amqp import Publisher
from chassis.broker.messages import Batch, BrokerRefused, BrokerUnavailable, Message, Outcome
from chassis.db.statements import Prepared, array_text
from chassis.db.writer import Writer
from chassis.events import CONTENT_TYPE

LOCK = 0x4352_4D52  # "CRMR": one active relay in a database.
BATCH = 200
SHORTEST_POLL = 0.02
LONGEST_POLL = 0.25
# Where several come within one poll, the next is later: a round of the relay costs more than most events in it.
BUSY, BUSY_POLL = 3, 0.04
# Where they come by the hundred a second, later still: they reach the consumers in larger batches as well.
CROWDED, CROWDED_POLL = 12, 0.1
STANDBY_POLL = 1.0
CONFIRM_TIMEOUT = 30.0
MEASURE_EVERY = 5.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# What the broker closes a channel with over one message: it is too large, or its key is not this service's to use.
OVER_ONE_MESSAGE = {403, 406}

# How many pending rows are looked at to find a batch: most of the time they belong to as many aggregates.
SMALLEST_WINDOW = 2 * BATCH
LARGEST_WINDOW = 512 * BATCH

OPTIONS = (
    "-c timezone=UTC -c statement_timeout=10000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=30000 "
    # The outbox is empty when PostgreSQL analyses it and full when it matters: estimates must not decide here.
    "-c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
    "-c plan_cache_mode=force_generic_plan "
    # The server notices within 30 s that a relay's machine is gone, and frees its lock.
    "-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)

# By status and never by "id above the last seen": ids are taken before the commit, so a lower one may appear later.
# Only the oldest unpublished event of each aggregate is offered: whatever fails or is unanswered holds back what
# follows it, so that no resend can overtake. The oldest rows are numbered within their aggregates, instead of asking
# of each whether there is an older one: that question is planned on statistics that are always stale, and then costs
# the whole backlog for each row. Numbers differ more often than names of tables, and are compared sooner.
SELECT_DUE = Prepared(
    text("""
SELECT due.id, CAST(event_id AS text), type, routing_key, correlation_id,
    CAST(extract(epoch FROM occurred_at) AS bigint), body
FROM unnest(ARRAY(
    SELECT id FROM (
        SELECT id, next_attempt_at, row_number() OVER (PARTITION BY aggregate_id, aggregate_type ORDER BY id) AS place
        FROM (
            SELECT id, aggregate_type, aggregate_id, next_attempt_at FROM outbox_pending ORDER BY id LIMIT :window
        ) AS oldest
    ) AS placed
    WHERE place = 1 AND next_attempt_at <= now() AND id NOT IN (SELECT unnest(CAST(:in_flight AS bigint[])))
    ORDER BY id LIMIT :most)) AS due (id)
LEFT JOIN outbox ON outbox.id = due.id
ORDER BY due.id
"""),
    binary=True,
)
# An event comes and goes with its row here, but for one that was deleted while it was published again.
FORGET = Prepared(text("DELETE FROM outbox_pending WHERE id = ANY (CAST(:ids AS bigint[]))"))
# Both in one statement: an event waits, or it was published.
MARK = Prepared(
    text("""
WITH gone AS (DELETE FROM outbox_pending WHERE id = ANY (CAST(:ids AS bigint[])) RETURNING id)
INSERT INTO outbox_published (ids) SELECT array_agg(id) FROM gone HAVING count(*) > 0
""")
)
# One second, doubling to five minutes.
POSTPONE = Prepared(
    text("""
UPDATE outbox_pending SET attempts = attempts + 1, last_error = :error,
    next_attempt_at = now() + least(power(2, least(attempts, 20)), 300) * interval '1 second'
WHERE id = ANY (CAST(:ids AS bigint[]))
""")
)
MEASURE = Prepared(
    text("""
SELECT count(*), CAST(coalesce(extract(epoch FROM now() - min(occurred_at)), 0) AS float8),
    count(*) FILTER (WHERE attempts >= 20)
FROM outbox_pending
""")
)

log = structlog.get_logger()


class Row(NamedTuple):
    """An event in the outbox, as the relay needs it."""

    id: int
    event_id: str
    type: str
    routing_key: str
    correlation_id: str | None
    occurred_at: int
    body: bytes


class Relay:
    """One database's relay. Several may run: one holds the session's advisory lock and works, the others wait.

    `database_url` is a direct connection (an advisory lock does not survive a transaction pooler) as the relay role.
    The promise is at least once: a relay that dies between a confirm and its mark publishes again.
    """

    def __init__(self, database_url: str, broker_url: str, service: str, *, batch: int = BATCH) -> None:
        self._database_url = database_url
        self._broker_url = broker_url
        self._service = service
        self._batch = batch
        self._pause = 0.0
        self._careful = 0
        self._window = SMALLEST_WINDOW
        self._measured = 0.0
        metrics.show_from_zero(metrics.RELAY_FAILURES, set(Outcome) - {Outcome.CONFIRMED})

    def run(self, stop: Flag, beat: Callable[[], None]) -> None:
        """Work until `stop`; call `beat` every few seconds. Raises TopologyError, and nothing for an outage."""
        pause = FIRST_PAUSE
        while not stop.is_set():
            beat()
            try:
                self._serve(stop, beat)
                pause = FIRST_PAUSE
            except psycopg.Error as error:
                metrics.RELAY_ACTIVE.set(0)
                log.warning("relay lost its database", error=str(error), again_in=pause)
                _wait(stop, beat, pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            except BrokerUnavailable as error:
                log.warning("relay cannot reach the broker", error=str(error))

    def _serve(self, stop: Flag, beat: Callable[[], None]) -> None:
        """Hold one database connection until it breaks: wait for the lock, then relay."""
        name = f"{self._service}.relay"
        with psycopg.connect(
            self._database_url, autocommit=True, application_name=name, options=OPTIONS, connect_timeout=3
        ) as database:
            # Polling and not pg_advisory_lock: a statement that waits for hours would hold back vacuum that long.
            while not _locked(database):
                beat()
                if stop.wait(STANDBY_POLL):
                    return
            topology.check(self._broker_url, self._service, consumes=False)
            log.info("relay is active")
            metrics.RELAY_ACTIVE.set(1)
            try:
                with closing(Publisher(self._broker_url, name=name)) as publisher:
                    self._relay(Writer(database), publisher, stop, beat)
            finally:
                metrics.RELAY_ACTIVE.set(0)

    def _relay(self, database: Writer, publisher: Publisher, stop: Flag, beat: Callable[[], None]) -> None:
        idle = SHORTEST_POLL
        flying: tuple[list[Row], Batch] | None = None
        while not stop.is_set():
            beat()
            self._measure(database)
            if flying is None and not publisher.wait_ready(0.5):
                continue
            # While one batch is being confirmed the next one is selected: its aggregates are others by definition.
            rows = self._due(database, flying[0] if flying else ())
            sent = rows, publisher.send([_message(row) for row in rows])
            if flying:
                self._settle(database, publisher, *flying)
            flying = sent
            if len(rows) < self._most or self._pause:
                self._settle(database, publisher, *flying)
                flying = None
                idle = SHORTEST_POLL if rows else min(idle * 1.5, LONGEST_POLL)
                _wait(stop, beat, max(_poll(len(rows), idle), self._pause))
        if flying:
            self._settle(database, publisher, *flying)

    @property
    def _most(self) -> int:
        return 1 if self._careful else self._batch

    def _due(self, database: Writer, flying: Sequence[Row]) -> list[Row]:
        arguments = {"in_flight": array_text(row.id for row in flying), "most": self._most, "window": self._window}
        due = database.fetch(SELECT_DUE, arguments)
        rows = [Row(*row) for row in due if row[1] is not None]
        if len(rows) < len(due):
            gone = [row[0] for row in due if row[1] is None]
            log.warning("events are gone that waited to be published", count=len(gone), first_outbox_id=gone[0])
            database.run(FORGET, {"ids": array_text(gone)})
        # Too few: the window may be full of rows that wait behind others of their aggregate, so look further next time.
        self._window = SMALLEST_WINDOW if len(rows) == self._most else min(self._window * 2, LARGEST_WINDOW)
        return rows

    def _settle(self, database: Writer, publisher: Publisher, rows: Sequence[Row], batch: Batch) -> None:
        """Wait for the broker's answers and write them down.

        On the connection that holds the lock: if the lock is gone, so is the connection, and a relay that was paused
        cannot overwrite its successor's bookkeeping.
        """
        began = time.monotonic()
        outcomes = batch.wait(CONFIRM_TIMEOUT)
        metrics.CONFIRM_SECONDS.observe(time.monotonic() - began)
        if not batch.done:
            publisher.renew()
        by_outcome: dict[Outcome, list[int]] = {}
        for row, outcome in zip(rows, outcomes, strict=True):
            by_outcome.setdefault(outcome, []).append(row.id)
        if confirmed := by_outcome.pop(Outcome.CONFIRMED, None):
            if tracing.is_on():
                _trace(rows, set(confirmed), seconds=time.monotonic() - began)
            database.run(MARK, {"ids": array_text(confirmed)})
            metrics.RELAY_PUBLISHED.inc(len(confirmed))
            self._pause = 0.0
        for outcome, ids in by_outcome.items():
            metrics.RELAY_FAILURES.labels(outcome.value).inc(len(ids))
            log.error("events were not confirmed", outcome=outcome.value, count=len(ids), first_outbox_id=ids[0])
            if outcome is not Outcome.LOST:
                database.run(POSTPONE, {"ids": array_text(ids), "error": f"{outcome.value} by the broker"})
        self._careful = max(0, self._careful - len(rows))
        if lost := by_outcome.get(Outcome.LOST):
            self._lost(database, lost, batch.refusal)

    def _lost(self, database: Writer, ids: list[int], refusal: BrokerRefused | None) -> None:
        """Nothing is counted against the events for their connection's fault, and the broker gets time to recover.

        But when the broker closed the channel over one message, sending one at a time finds it.
        """
        self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)
        if refusal is None or refusal.code not in OVER_ONE_MESSAGE:
            return
        if len(ids) > 1:
            self._careful = len(ids)
        else:
            database.run(POSTPONE, {"ids": array_text(ids), "error": str(refusal)})
            self._pause = FIRST_PAUSE

    def _measure(self, database: Writer) -> None:
        if time.monotonic() - self._measured < MEASURE_EVERY:
            return
        self._measured = time.monotonic()
        [(backlog, oldest, stuck)] = database.fetch(MEASURE, {})
        metrics.OUTBOX_BACKLOG.set(backlog)
        metrics.OUTBOX_OLDEST.set(oldest)
        metrics.OUTBOX_STUCK.set(stuck)


def _poll(found: int, idle: float) -> float:
    """How many seconds the next poll is off, by how many events the last one found."""
    if found >= CROWDED:
        return CROWDED_POLL
    return BUSY_POLL if found >= BUSY else idle


def _locked(database: psycopg.Connection[Any]) -> bool:
    row = database.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone()
    return row is not None and bool(row[0])


def _trace(rows: Sequence[Row], confirmed: set[int], seconds: float) -> None:
    """Show in the trace of each event when it was published: it is in the event's own bytes alone."""
    ended = time.time()
    parents = [(row.type, orjson.loads(row.body).get("traceparent")) for row in rows if row.id in confirmed]
    tracing.published(parents, ended - seconds, ended)


def _message(row: Row) -> Message:
    return Message(
        exchange=topology.EXCHANGE,
        routing_key=row.routing_key,
        body=row.body,
        message_id=row.event_id,
        type=row.type,
        correlation_id=row.correlation_id,
        content_type=CONTENT_TYPE,
        timestamp=row.occurred_at,
    )


def _wait(stop: Flag, beat: Callable[[], None], seconds: float) -> None:
    """Wait in short steps, so that the heart goes on beating."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not stop.wait(min(left, 1.0)):
        beat()
