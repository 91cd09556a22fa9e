"""The only module that speaks AMQP: connections, each with a thread of its own, that come back by themselves."""

import queue
import random
import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

import pika
import structlog
from pika.adapters.select_connection import IOLoop
from pika.exceptions import AMQPError, ChannelClosedByBroker

from chassis.broker.messages import Batch, BrokerRefused, BrokerUnavailable, Delivery, Message, Outcome
from chassis.broker.wire import Address, Wire

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
READY_TIMEOUT = 10.0
HEARTBEAT = 20
BLOCKED_TIMEOUT = 60
PERSISTENT = 2
NORMAL_CLOSE = 200
# A subscriber has up to so many bytes of messages in memory before it lets the next large one wait on the wire. Each
# waits no longer than heartbeats allow, and those that are not large do not wait: many of them come at once.
MOST_BYTES = 32 * 1024 * 1024
LARGE = 64 * 1024
LONGEST_HOLD = HEARTBEAT / 4

log = structlog.get_logger()


class Link(ABC):
    """A connection with one channel on an I/O thread; after any fault it starts anew, with a jittered back-off.

    pika serves heartbeats only inside its loop, so nothing slow may run here: other threads hand work over with
    `soon` and wait elsewhere.
    """

    def __init__(self, url: str, *, name: str) -> None:
        self._parameters = Address(url)
        self._parameters.client_properties = {"connection_name": name}
        self._parameters.connection_attempts = 1
        if "heartbeat=" not in url:
            self._parameters.heartbeat = HEARTBEAT
        if "blocked_connection_timeout=" not in url:
            self._parameters.blocked_connection_timeout = BLOCKED_TIMEOUT
        self._name = name
        self._lock = threading.Lock()
        self._ready = threading.Event()
        self._closing = threading.Event()
        self._generation = 0
        self._loop: IOLoop | None = None
        self._connection: Any = None
        self._channel: Any = None
        self._reason: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def refusal(self) -> BrokerRefused | None:
        """Why the broker closed the last channel, if that is how it ended."""
        return self._reason if isinstance(self._reason, BrokerRefused) else None

    def wait_ready(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds for the channel to be usable."""
        return self._ready.wait(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Send what was handed over, close and end the thread. Never raises; may be called again."""
        self._closing.set()
        with self._lock:
            if self._loop is not None:
                self._loop.add_callback_threadsafe(partial(self._hang_up, timeout))
        self._thread.join(timeout + 1)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._closing.is_set():
            was_ready = self._connect_once()
            if self._closing.is_set():
                break
            pause = FIRST_PAUSE if was_ready else min(pause * 2, LONGEST_PAUSE)
            wait = pause * random.uniform(0.5, 1.0)  # noqa: S311  # Spreads reconnects; nothing secret.
            log.warning(
                "broker connection lost",
                connection=self._name,
                reason=str(self._reason) or repr(self._reason),
                again_in=wait,
            )
            self._closing.wait(wait)

    def _connect_once(self) -> bool:
        """Live through one connection, from opening to its end; answers whether it became usable."""
        loop = IOLoop()
        self._reason = None
        with self._lock:
            self._generation += 1
            self._loop = loop
        try:
            self._connection = Wire(
                self._parameters,
                on_open_callback=self._on_open,
                on_open_error_callback=self._on_end,
                on_close_callback=self._on_end,
                custom_ioloop=loop,
            )
            # A broker that is starting up accepts connections and lets a channel wait for its queue, for ever at worst.
            loop.call_later(READY_TIMEOUT, self._expect_ready)
            loop.start()
        except Exception as error:  # noqa: BLE001  # Whatever broke the loop, the cure is a new connection.
            self._reason = error
        was_ready = self._ready.is_set()
        with self._lock:
            self._ready.clear()
            self._loop = None
            self._channel = None
        self._lost()
        loop.close()
        return was_ready

    def _expect_ready(self) -> None:
        if not self._ready.is_set():
            self._reason = BrokerUnavailable(f"not usable within {READY_TIMEOUT:.0f} s")
            self._hang_up(1.0)

    def _on_open(self, connection: Any) -> None:
        connection.channel(on_open_callback=self._on_channel)

    def _on_channel(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._on_channel_closed)
        self._prepare(channel)

    def _on_channel_closed(self, _: Any, reason: Exception) -> None:
        if isinstance(reason, ChannelClosedByBroker):
            self._reason = BrokerRefused(reason.reply_code, reason.reply_text)
        elif self._reason is None:
            self._reason = reason
        self._hang_up(HEARTBEAT)

    def _on_end(self, _: Any, reason: Exception) -> None:
        if self._reason is None:
            self._reason = reason
        if self._loop is not None:
            self._loop.stop()

    def _hang_up(self, timeout: float) -> None:
        loop = self._loop
        if loop is None:
            return
        loop.call_later(timeout, loop.stop)
        try:
            if not (self._connection.is_closing or self._connection.is_closed):
                self._connection.close()
        except AMQPError:
            loop.stop()

    def usable(self) -> None:
        """Called by `_prepare` once the channel does what it is for."""
        log.info("broker connected", connection=self._name)
        self._ready.set()

    def soon(self, work: Any) -> bool:
        """Run `work` on the I/O thread; False when there is no connection now."""
        with self._lock:
            if self._loop is None or not self._ready.is_set():
                return False
            self._loop.add_callback_threadsafe(work)
            return True

    @abstractmethod
    def _prepare(self, channel: Any, /) -> None:
        """Make the channel ready for its purpose, on the I/O thread."""

    @abstractmethod
    def _lost(self) -> None:
        """Forget what belonged to the connection that just ended."""


class Publisher(Link):
    """Publishes batches, persistent and mandatory, with publisher confirms."""

    def __init__(self, url: str, *, name: str) -> None:
        self._sequence = 0
        self._pending: dict[int, tuple[Batch, int]] = {}
        self._by_id: dict[str, int] = {}
        self._returned: set[int] = set()
        self._batches: set[Batch] = set()
        super().__init__(url, name=name)

    def send(self, messages: Sequence[Message]) -> Batch:
        """Hand the messages to the I/O thread and return at once. Without a connection every outcome is LOST."""
        batch = Batch(messages)
        with self._lock:
            if self._loop is None or not self._ready.is_set():
                batch.abandon()
                return batch
            self._batches = {known for known in self._batches if not known.done} | {batch}
            self._loop.add_callback_threadsafe(partial(self._publish, batch))
        return batch

    def publish_batch(self, messages: Sequence[Message], timeout: float = 30.0) -> list[Outcome]:
        """Publish and wait for the broker's answers, `timeout` seconds at most. Never raises for the broker's sake.

        A message that is unroutable is confirmed as well, after having been returned (RabbitMQ, "Consumer
        Acknowledgements and Publisher Confirms"); the return wins. When the time is up the connection is given up.
        """
        batch = self.send(messages)
        outcomes = batch.wait(timeout)
        if not batch.done:
            self.renew()
        return outcomes

    def renew(self) -> None:
        """Give this connection up and make another one: it does not answer."""
        self.soon(partial(self._hang_up, 1.0))

    def _prepare(self, channel: Any) -> None:
        channel.add_on_return_callback(self._on_return)
        channel.confirm_delivery(self._on_answer, callback=lambda _: self.usable())

    def _publish(self, batch: Batch) -> None:
        with self._connection.together():
            self._publish_each(batch)

    def _publish_each(self, batch: Batch) -> None:
        channel = self._channel
        for index, message in enumerate(batch.messages):
            if channel is None or not channel.is_open:
                batch.abandon()
                return
            properties = pika.BasicProperties(
                content_type=message.content_type,
                delivery_mode=PERSISTENT,
                message_id=message.message_id,
                type=message.type,
                correlation_id=message.correlation_id,
                timestamp=message.timestamp,
                headers=dict(message.headers) or None,
            )
            try:
                channel.basic_publish(message.exchange, message.routing_key, message.body, properties, mandatory=True)
            except (AMQPError, ValueError, TypeError) as error:
                log.warning("message cannot be sent", message_id=message.message_id, error=str(error))
                batch.settle(index, Outcome.REFUSED)
                continue
            self._sequence += 1
            self._pending[self._sequence] = (batch, index)
            self._by_id[message.message_id] = self._sequence

    def _on_return(self, _: Any, __: Any, properties: Any, ___: bytes) -> None:
        sequence = self._by_id.get(properties.message_id)
        if sequence is not None:
            self._returned.add(sequence)

    def _on_answer(self, frame: Any) -> None:
        answer = frame.method
        outcome = Outcome.CONFIRMED if answer.NAME == "Basic.Ack" else Outcome.REFUSED
        tags: Iterable[int] = (answer.delivery_tag,)
        if answer.multiple:
            tags = list(takewhile(lambda tag: tag <= answer.delivery_tag, self._pending))
        for tag in tags:
            batch, index = self._pending.pop(tag)
            identity = batch.messages[index].message_id
            if self._by_id.get(identity) == tag:
                del self._by_id[identity]
            returned = tag in self._returned
            self._returned.discard(tag)
            batch.settle(index, Outcome.RETURNED if returned else outcome)

    def _lost(self) -> None:
        self._sequence = 0
        self._pending.clear()
        self._by_id.clear()
        self._returned.clear()
        with self._lock:
            batches, self._batches = self._batches, set()
        for batch in batches:
            if not batch.done:
                batch.abandon(self.refusal)


class Subscriber(Link):
    """Consumes one queue into memory, at most `prefetch` unacknowledged messages at a time.

    The broker counts messages and not bytes: hundreds of large ones would take all of a process's memory.
    """

    def __init__(self, url: str, *, name: str, queue_name: str, prefetch: int) -> None:
        self._queue_name = queue_name
        self._prefetch = prefetch
        # What was read at once, together: the thread that takes them is woken once and not for each.
        self._arriving: list[Delivery] = []
        self._arrived: queue.SimpleQueue[list[Delivery]] = queue.SimpleQueue()
        self._at_hand: deque[Delivery] = deque()
        self._unacknowledged: dict[int, None] = {}
        self._bytes = 0
        self._taken = threading.Condition()
        super().__init__(url, name=name)

    def take(self, timeout: float) -> Delivery | None:
        """The next message, or None after `timeout` seconds; those of connections that ended are skipped."""
        while True:
            while self._at_hand:
                delivery = self._at_hand.popleft()
                if delivery.generation == self._generation:
                    return delivery
            try:
                arrived = self._arrived.get(timeout=timeout) if timeout > 0 else self._arrived.get_nowait()
            except queue.Empty:
                return None
            self._at_hand.extend(arrived)
            with self._taken:
                self._bytes -= _size(arrived)
                self._taken.notify()

    def close(self, timeout: float = 5.0) -> None:
        """As any link; a message that waits on the wire does not hold it up."""
        self._closing.set()
        with self._taken:
            self._taken.notify()
        super().close(timeout)

    def ack(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge; silently nothing for those of an ended connection, which the broker delivers again."""
        self.soon(partial(self._ack, [(each.generation, each.tag) for each in deliveries]))

    def _ack(self, tags: Sequence[tuple[int, int]]) -> None:
        if self._channel is None or not self._channel.is_open:
            return
        wanted = {tag for generation, tag in tags if generation == self._generation and tag in self._unacknowledged}
        # One frame for the longest run of messages from the oldest on, then one for each of the others.
        run = 0
        for tag in self._unacknowledged:
            if tag not in wanted:
                break
            run = tag
        if run:
            self._channel.basic_ack(run, multiple=True)
        for tag in sorted(wanted):
            del self._unacknowledged[tag]
            if tag > run:
                self._channel.basic_ack(tag)

    def _prepare(self, channel: Any) -> None:
        channel.add_on_cancel_callback(lambda _: self._hang_up(1.0))
        channel.basic_qos(prefetch_count=self._prefetch, callback=lambda _: self._consume(channel))

    def _consume(self, channel: Any) -> None:
        channel.basic_consume(self._queue_name, self._on_message, callback=lambda _: self.usable())

    def _on_message(self, _: Any, method: Any, properties: Any, body: bytes) -> None:
        self._unacknowledged[method.delivery_tag] = None
        if not self._arriving:
            # After all that the loop reads in this round.
            self._connection.ioloop.call_later(0, self._hand_over)
        if len(body) >= LARGE:
            self._hand_over()
            with self._taken:
                self._taken.wait_for(lambda: self._bytes < MOST_BYTES or self._closing.is_set(), LONGEST_HOLD)
        self._arriving.append(
            # In the order of the fields, which takes half as long as by their names.
            Delivery(
                self._generation,
                method.delivery_tag,
                method.redelivered,
                method.exchange,
                method.routing_key,
                body,
                properties,
            )
        )
        if len(body) >= LARGE:
            self._hand_over()

    def _hand_over(self) -> None:
        if arrived := self._arriving:
            self._arriving = []
            with self._taken:
                self._bytes += _size(arrived)
            self._arrived.put(arrived)

    def _lost(self) -> None:
        self._unacknowledged.clear()
        self._arriving.clear()


def _size(deliveries: Sequence[Delivery]) -> int:
    return sum(len(delivery.body) for delivery in deliveries)
