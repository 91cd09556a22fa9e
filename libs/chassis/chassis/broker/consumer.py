"""The consumer: messages in batches, inbox and effects in one transaction, acknowledged after its commit."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from threading import Event as Flag
from typing import TypeVar

import psycopg
import sqlalchemy.exc
import structlog

from chassis import events, metrics
from chassis.broker import attempts, provenance, topology
from chassis.broker.amqp import Publisher, Subscriber
from chassis.broker.bookkeeping import Bookkeeping
from chassis.broker.failures import Verdict, judge
from chassis.broker.handling import handle
from chassis.broker.messages import BrokerUnavailable, Delivery, Message, Outcome
from chassis.broker.retries import RETRIES, RetrySchedule
from chassis.broker.subscriptions import Subscriptions
from chassis.context import NOBODY, acting_as
from chassis.db import inbox
from chassis.db.company_purges import purged_among
from chassis.db.session import Database
from chassis.events import Event, MalformedEvent

BATCH = 200
# Read and written anew, a batch takes several times its bytes in memory, and the database a deadline's time.
BATCH_BYTES = 4 * 1024 * 1024
WINDOW = 0.01
# Where several come within one window, the next is longer: a transaction costs more than most events in it.
BUSY, BUSY_WINDOW = 3, 0.04
PREFETCH = 2 * BATCH  # One batch in work and one on its way.
QUICK_RETRIES = (0.05, 0.2, 0.8)
# Two deaths may be chance: a worker that is killed just after its start always has the same message in hand.
MOST_CRASHES = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# So often is a database that answers, and yet loses the connection over one message, believed to be ill itself.
PATIENCE = 8

log = structlog.get_logger()
T = TypeVar("T")


class Killer(Exception):
    """The process died each time it worked on this message."""


class _Stopping(Exception):
    """The process is to end: what is not acknowledged will be delivered again."""


# What becomes of a message.
RESULTS = ("handled", "duplicate", "ignored", "retried", "dead")


class Consumer:
    """One service's consumer. Several may run side by side: the inbox makes effects happen once.

    `effects` is the database as the role that handlers write with; `notes` the same database as the app role, for the
    books on failures. They may be one object.
    """

    def __init__(
        self,
        *,
        effects: Database,
        notes: Database,
        broker_url: str,
        service: str,
        subscriptions: Subscriptions,
        retries: RetrySchedule = RETRIES,
        batch: int = BATCH,
    ) -> None:
        metrics.show_from_zero(metrics.CONSUMER_EVENTS, RESULTS)
        self._effects = effects
        self._notes = notes
        self._books = Bookkeeping(notes, service)
        self._broker_url = broker_url
        self._service = service
        self._subscriptions = subscriptions
        self._retries = retries
        self._batch = batch
        self._busy = False
        self._stop = Flag()
        self._beat: Callable[[], None] = lambda: None

    @property
    def ready(self) -> bool:
        """Whether the broker hands messages to it now."""
        subscriber: Subscriber | None = getattr(self, "_subscriber", None)
        return subscriber is not None and subscriber.wait_ready(0)

    def run(self, stop: Flag, beat: Callable[[], None]) -> None:
        """Work until `stop`; call `beat` every few seconds. Raises TopologyError, and nothing for an outage."""
        self._stop, self._beat = stop, beat
        while not stop.is_set():
            beat()
            try:
                topology.check(self._broker_url, self._service, consumes=True, retries=self._retries)
                break
            except BrokerUnavailable as error:
                log.warning("consumer cannot reach the broker", error=str(error))
        name = f"{self._service}.consumer"
        with ExitStack() as stack:
            # Two connections: the broker blocks those that publish when memory runs out, and acks must go on.
            self._publisher = stack.enter_context(closing(Publisher(self._broker_url, name=f"{name}.retries")))
            self._subscriber = stack.enter_context(
                closing(
                    Subscriber(
                        self._broker_url,
                        name=name,
                        queue_name=topology.events_queue(self._service),
                        prefetch=max(PREFETCH, 2 * self._batch),
                    )
                )
            )
            try:
                while not stop.is_set():
                    beat()
                    self._work(self._collect())
            except _Stopping:
                log.info("consumer stopped with messages in hand")

    def _collect(self) -> list[Delivery]:
        """The next messages: whatever arrives within the window after the first, up to a batch in number or size."""
        first = self._subscriber.take(0.5)
        if first is None:
            return []
        batch, size = [first], len(first.body)
        until = time.monotonic() + (BUSY_WINDOW if self._busy else WINDOW)
        while (
            len(batch) < self._batch
            and size < BATCH_BYTES
            and (delivery := self._subscriber.take(until - time.monotonic()))
        ):
            batch.append(delivery)
            size += len(delivery.body)
        self._busy = len(batch) >= BUSY
        return batch

    def _work(self, batch: Sequence[Delivery]) -> None:
        # What comes back may have killed the process that had it, so it must not share a transaction with others.
        for delivery in batch:
            if delivery.redelivered:
                self._alone(delivery, counted=True)
        if fresh := [delivery for delivery in batch if not delivery.redelivered]:
            self._together(fresh)

    def _together(self, batch: Sequence[Delivery]) -> None:
        """Handle a batch in one transaction; when that fails, each message in its own."""
        began = time.monotonic()
        wanted: list[Event] = []
        good: list[Delivery] = []
        for delivery in batch:
            try:
                event = self._read(delivery)
            except MalformedEvent as error:
                self._bury(delivery, None, error)
                continue
            except provenance.UnknownOwner:
                self._alone(delivery, counted=False)
                continue
            good.append(delivery)
            if self._subscriptions.wants(event.type):
                wanted.append(event)
        if wanted:
            try:
                self._persist(wanted)
            except _Stopping:
                raise
            except Exception as error:  # noqa: BLE001  # Whatever it is, it is judged message by message.
                log.warning("batch failed, going on one by one", size=len(good), error=repr(error))
                for delivery in good:
                    self._alone(delivery, counted=False)
                return
        metrics.CONSUMER_BATCH.observe(len(batch))
        metrics.CONSUMER_SECONDS.observe(time.monotonic() - began)
        metrics.CONSUMER_EVENTS.labels("ignored").inc(len(good) - len(wanted))
        self._subscriber.ack(good)

    def _alone(self, delivery: Delivery, *, counted: bool) -> None:
        """Handle one message by itself, up to its acknowledgement.

        With `counted` the attempt is committed to the books before it is made: a message that kills the process
        leaves its mark, and its neighbours none.
        """
        self._beat()
        if self._stop.is_set():
            raise _Stopping
        event: Event | None = None
        try:
            event = self._read(delivery)
            if self._subscriptions.wants(event.type):
                if counted:
                    number = self._insist(lambda: self._books.begin_attempt(event.id))
                    if number is None:
                        metrics.CONSUMER_EVENTS.labels("duplicate").inc()
                        self._subscriber.ack([delivery])
                        return
                    _refuse_killer(number)
                self._persist([event])
            else:
                metrics.CONSUMER_EVENTS.labels("ignored").inc()
        except _Stopping:
            raise
        except Exception as error:  # noqa: BLE001  # A handler may raise anything; the message is tried again later.
            self._fail(delivery, event, error)
        if counted and event is not None:
            event_id = event.id
            self._insist(lambda: self._books.forget_attempts(event_id))
        self._subscriber.ack([delivery])

    def _read(self, delivery: Delivery) -> Event:
        """The event, if it can come from its source. Raises MalformedEvent or UnknownOwner."""
        event = events.decode(delivery.body)
        if self._subscriptions.wants(event.type):
            provenance.hold(delivery, event)
        return event

    def _persist(self, wanted: Sequence[Event]) -> None:
        """Inbox and effects in one transaction, tried again while the fault is the database's; else raises it."""
        quick = list(QUICK_RETRIES)
        waited = 0
        while True:
            try:
                self._transact(wanted)
            except Exception as error:
                verdict = judge(error)
                if verdict is Verdict.AGAIN and quick:
                    self._pause(quick.pop(0))
                elif verdict is Verdict.WAIT and waited < PATIENCE:
                    waited += 1
                    self._await_database(error, min(FIRST_PAUSE * 2 ** (waited - 1), LONGEST_PAUSE))
                else:
                    raise
            else:
                return

    def _transact(self, wanted: Sequence[Event]) -> None:
        with acting_as(NOBODY), self._effects.transaction() as session:
            new = inbox.claim(session, self._service, [event.id for event in wanted])
            fresh = {event.id: event for event in wanted if event.id in new}
            # Of a company that was purged nothing is handled any more, however late it comes.
            purged = purged_among(session, {event.company_id for event in fresh.values()})
            late = [event_id for event_id, event in fresh.items() if event.company_id in purged]
            for event_id in late:
                del fresh[event_id]
            if fresh:
                handle(session, self._subscriptions, list(fresh.values()))
        now = datetime.now(UTC)
        for event in fresh.values():
            metrics.EVENT_AGE.observe((now - event.time).total_seconds())
        metrics.CONSUMER_EVENTS.labels("handled").inc(len(fresh))
        metrics.CONSUMER_EVENTS.labels("ignored").inc(len(late))
        metrics.CONSUMER_EVENTS.labels("duplicate").inc(len(wanted) - len(fresh) - len(late))

    def _fail(self, delivery: Delivery, event: Event | None, error: Exception) -> None:
        """Let the message wait in the next delay queue, or send it to the dead letters after the last."""
        attempt = attempts.failed_so_far(delivery) + 1
        delay = self._retries.delay_after(attempt)
        if delay is None or isinstance(error, Killer) or judge(error) is Verdict.NEVER:
            self._bury(delivery, event, error, ack=False)
            return
        log.warning(
            "message failed", event_id=event and event.id, attempt=attempt, again_in=delay.name, error=repr(error)
        )
        target = topology.retry_queue(self._service, delay.name)
        own = topology.own_exchange(self._service)
        self._publish(attempts.resend(delivery, own, target, attempts.history(delivery, error), attempt))
        metrics.CONSUMER_EVENTS.labels("retried").inc()

    def _bury(self, delivery: Delivery, event: Event | None, error: Exception, *, ack: bool = True) -> None:
        entries = attempts.history(delivery, error)
        event_id = event.id if event else None
        log.error("message became a dead letter", event_id=event_id, error=repr(error))
        self._insist(
            lambda: self._books.bury(
                event_id=event_id,
                routing_key=attempts.original_routing_key(delivery),
                body=delivery.body,
                error=attempts.trace(error),
                history=entries,
            )
        )
        own, target = topology.own_exchange(self._service), topology.dead_queue(self._service)
        self._publish(attempts.resend(delivery, own, target, entries, attempts.failed_so_far(delivery) + 1))
        metrics.CONSUMER_EVENTS.labels("dead").inc()
        if ack:
            self._subscriber.ack([delivery])

    def _publish(self, message: Message) -> None:
        """Publish until the broker confirms it: the original is only acknowledged after that."""
        pause = FIRST_PAUSE
        while True:
            if self._publisher.wait_ready(1.0):
                outcome = self._publisher.publish_batch([message])[0]
                if outcome is Outcome.CONFIRMED:
                    return
                log.error("message could not be moved", target=message.routing_key, outcome=outcome.value)
                self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
            self._pause(0)

    def _insist(self, operation: Callable[[], T]) -> T:
        """Do it as soon as the database lets us."""
        pause = QUICK_RETRIES[0]
        while True:
            try:
                return operation()
            except Exception as error:
                if judge(error) not in (Verdict.WAIT, Verdict.AGAIN):
                    raise
                self._await_database(error, pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    def _await_database(self, error: Exception, pause: float) -> None:
        """Keep the messages unacknowledged until the database answers; nothing is counted against them."""
        log.warning("database is unreachable, waiting", error=str(error), again_in=pause)
        while True:
            # The pool's other connections are as dead as the one that failed.
            self._effects.forget_connections()
            self._notes.forget_connections()
            self._pause(pause)
            try:
                with self._effects.transaction() as session:
                    session.writer.flush()
            except (psycopg.Error, sqlalchemy.exc.TimeoutError):
                pause = min(pause * 2, LONGEST_PAUSE)
            else:
                return

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while True:
            self._beat()
            left = until - time.monotonic()
            if self._stop.wait(max(0.0, min(left, 1.0))):
                raise _Stopping
            if left <= 0:
                return


def _refuse_killer(number: int) -> None:
    """Raise before the attempt that would be one too many."""
    if number >= MOST_CRASHES:
        raise Killer(f"the process ended {number - 1} times while it worked on this message alone")
