"""Large messages: few of them in memory, all of them taken, and nobody held up by one that waits."""

import contextlib
import time
from contextlib import closing

import pytest

from chassis.broker import amqp, topology
from chassis.broker.amqp import Subscriber
from chassis.testing.waiting import wait_until


@pytest.fixture
def subscribe(stage):
    with contextlib.ExitStack() as ends:

        def subscribe():
            queue = topology.events_queue(stage.service)
            subscriber = Subscriber(stage.broker_url, name="large", queue_name=queue, prefetch=400)
            return ends.enter_context(closing(subscriber))

        yield subscribe


def test_of_large_messages_a_consumer_has_few_in_memory_and_gets_all(stage, subscribe, monkeypatch):
    size, most = 256 * 1024, 4
    monkeypatch.setattr(amqp, "MOST_BYTES", most * size)
    stage.declare()
    bodies = [bytes([number]) * size for number in range(60)]
    stage.publish(*bodies)
    subscriber = subscribe()
    time.sleep(2)
    assert subscriber._bytes == most * size  # The next is on the wire.
    got = [subscriber.take(5) for _ in bodies]
    assert [delivery.body for delivery in got] == bodies
    assert {(delivery.generation, delivery.redelivered) for delivery in got} == {(1, False)}
    assert subscriber._bytes == 0


def test_a_consumer_that_takes_nothing_for_long_keeps_its_connection(stage, subscribe, monkeypatch):
    """As while its database is away: heartbeats go on, and so it holds more than it would."""
    monkeypatch.setattr(amqp, "MOST_BYTES", 0)
    monkeypatch.setattr(amqp, "LONGEST_HOLD", 0.1)
    stage.declare()
    large, small = b"x" * amqp.LARGE, [b"%d" % number for number in range(300)]
    stage.publish(*[large] * 10, *small)
    subscriber = subscribe()
    wait_until(lambda: subscriber._bytes == sum(map(len, [*[large] * 10, *small])))
    assert [subscriber.take(1).body for _ in range(310)] == [*[large] * 10, *small]


def test_who_closes_does_not_wait_for_a_message_that_is_held(stage, subscribe, monkeypatch):
    monkeypatch.setattr(amqp, "MOST_BYTES", 0)
    stage.declare()
    stage.publish(*[b"x" * amqp.LARGE] * 10)
    subscriber = subscribe()
    assert subscriber.wait_ready(5)
    time.sleep(0.5)
    began = time.monotonic()
    subscriber.close()
    assert time.monotonic() - began < amqp.LONGEST_HOLD / 2
    assert not subscriber._thread.is_alive()
