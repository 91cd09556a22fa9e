"""How bytes go to the broker and come from it: in pieces much larger than pika's own."""

from contextlib import closing

from pika.adapters.utils.io_services_utils import _AsyncTransportBase

from chassis.broker import topology
from chassis.broker.amqp import Publisher, Subscriber
from chassis.broker.messages import Message, Outcome
from chassis.broker.wire import READ_BYTES, WRITE_BYTES

BODY = b"x" * 1000


def messages(queue, count, body=BODY):
    return [Message(exchange="", routing_key=queue, body=body, message_id=str(number)) for number in range(count)]


def test_a_batch_is_sent_in_few_pieces_and_arrives_as_it_was(stage, monkeypatch):
    stage.declare()
    queue = topology.events_queue(stage.service)
    with (
        closing(Publisher(stage.broker_url, name="pieces")) as publisher,
        closing(Subscriber(stage.broker_url, name="pieces", queue_name=queue, prefetch=400)) as subscriber,
    ):
        assert publisher.wait_ready(10)
        pieces = []
        transport = publisher._connection._transport
        write = transport.write
        monkeypatch.setattr(transport, "write", lambda data: (pieces.append(len(data)), write(data)))
        # The last is larger than a frame.
        sent = [*messages(queue, 200), Message("", queue, b"y" * 300_000, "last")]
        assert set(publisher.publish_batch(sent)) == {Outcome.CONFIRMED}
        assert sum(pieces) > sum(len(message.body) for message in sent)
        assert len(pieces) <= 2 + sum(pieces) // WRITE_BYTES
        got = [subscriber.take(5) for _ in sent]
        assert [delivery.body for delivery in got] == [message.body for message in sent]
        assert [delivery.properties.message_id for delivery in got] == [message.message_id for message in sent]


def test_one_message_is_sent_at_once(stage):
    stage.declare()
    queue = topology.events_queue(stage.service)
    with closing(Publisher(stage.broker_url, name="one")) as publisher:
        assert publisher.wait_ready(10)
        for message in messages(queue, 3, b""):
            assert publisher.publish_batch([message], timeout=5) == [Outcome.CONFIRMED]


def test_pika_reads_as_much_at_once_as_it_is_told(stage):
    assert _AsyncTransportBase._MAX_RECV_BYTES < READ_BYTES, "pika has another name for it, or needs to be told no more"
    stage.declare()
    queue = topology.events_queue(stage.service)
    with closing(Subscriber(stage.broker_url, name="reads", queue_name=queue, prefetch=1)) as subscriber:
        assert subscriber.wait_ready(10)
        assert subscriber._connection._transport._MAX_RECV_BYTES == READ_BYTES
