"""Deliveries that are taken at once are what pika makes of the same bytes, frame by frame."""

import math
import struct
from random import Random

import pika
import pytest
from pika.adapters.select_connection import IOLoop
from pika.channel import Channel
from pika.exceptions import InvalidFrameError
from pika.frame import Body, Header, Heartbeat, Method
from pika.spec import Basic, BasicProperties, Queue

from chassis.broker.wire import Wire

TAG = "ctag1.x"
MOST_OF_BODY = 128


@pytest.fixture
def connect(request):
    """Make a connection of a class that never connects: its channel 1 has a consumer, which notes what it gets."""

    def make(kind=Wire):
        loop = IOLoop()
        request.addfinalizer(loop.close)
        connection = kind(pika.ConnectionParameters("127.0.0.1", 1), custom_ioloop=loop)
        channel = connection._channels[1] = Channel(connection, 1, lambda _: None)
        got = []
        channel._consumers[TAG] = lambda _, method, properties, body: got.append(
            (method.delivery_tag, method.redelivered, method.exchange, method.routing_key, body, shown(properties))
        )
        return connection, channel, got

    return make


def shown(properties):
    names = ("content_type", "message_id", "type", "correlation_id", "timestamp", "headers", "delivery_mode")
    return {name: getattr(properties, name) for name in names}


def message(number, body, tag=TAG, **properties):
    """The frames of a delivery, the body in pieces as the broker cuts it."""
    method = Basic.Deliver(tag, number, number % 2 == 1, "crm.events", f"{number}.customer.created.v1")
    pieces = [body[at : at + MOST_OF_BODY] for at in range(0, len(body), MOST_OF_BODY)]
    frames = [
        Method(1, method),
        Header(1, len(body), BasicProperties(**properties)),
        *(Body(1, each) for each in pieces),
    ]
    return [frame.marshal() for frame in frames]


def stream():
    """What a broker may send: all kinds of deliveries, with heartbeats between them."""
    frames = []
    for number, size in enumerate((1, 0, MOST_OF_BODY, MOST_OF_BODY + 1, 5 * MOST_OF_BODY, 17), 1):
        frames += message(number, bytes(range(256)) * 3 if size == 768 else b"\xce" * size, message_id=f"é{number}")
        frames.append(Heartbeat().marshal())
    frames += message(7, b"AMQP", headers={"crm-attempt": 3, "list": ["a", 1]}, type="t", timestamp=1, delivery_mode=2)
    frames += message(8, b"{}", tag="ctag2.nobody", content_type="application/json")
    return b"".join([*frames, *message(9, b"last", correlation_id="c" * 255)])


@pytest.mark.parametrize("size", [1, 7, 64, 1000, 100_000])
def test_a_stream_is_read_as_pika_reads_it_wherever_it_is_cut(connect, size):
    whole = stream()
    readings = []
    for kind in (pika.SelectConnection, Wire):
        connection, _, got = connect(kind)
        for at in range(0, len(whole), size):
            connection._on_data_available(whole[at : at + size])
        readings.append((got, connection.bytes_received, connection.frames_received, connection._frame_buffer))
    assert readings[0] == readings[1]
    assert [each[0] for each in readings[1][0]] == [1, 2, 3, 4, 5, 6, 7, 9]


def test_a_stream_is_read_as_pika_reads_it_in_pieces_of_any_size(connect):
    whole, sizes = stream(), Random(7)
    connection, _, expected = connect(pika.SelectConnection)
    connection._on_data_available(whole)
    for _ in range(50):
        connection, _, got = connect()
        at = 0
        while at < len(whole):
            piece = sizes.choice((1, 3, 40, 200, 900))
            connection._on_data_available(whole[at : at + piece])
            at += piece
        assert got == expected


def test_messages_are_taken_without_pika_reading_a_frame(connect, monkeypatch):
    connection, _, got = connect()
    monkeypatch.setattr(connection, "_process_frame", lambda _: pytest.fail("a frame was read by itself"))
    connection._on_data_available(b"".join(frame for number in range(1, 100) for frame in message(number, b"{}")))
    assert len(got) == 99


@pytest.mark.parametrize("frame", [0, 1, 2])
def test_a_frame_without_its_end_breaks_the_connection(connect, frame):
    connection, _, got = connect()
    frames = message(1, b"{}")
    frames[frame] = frames[frame][:-1] + b"\x00"
    with pytest.raises(InvalidFrameError):
        connection._on_data_available(b"".join(frames))
    assert got == []


def test_what_follows_is_the_brokers_when_a_message_closes_the_channel(connect):
    connection, channel, got = connect()

    def leave(*_):
        got.append("one")
        del connection._channels[1]

    channel._consumers[TAG] = leave
    connection._on_data_available(b"".join(message(1, b"{}") + message(2, b"{}")))
    assert got == ["one"]


def test_a_message_to_a_consumer_that_was_cancelled_is_given_back(connect, monkeypatch):
    connection, channel, got = connect()
    rejected = []
    monkeypatch.setattr(channel, "basic_reject", rejected.append)
    channel._state = channel.OPEN
    channel._cancelled.add(TAG)
    connection._on_data_available(b"".join(message(5, b"{}")))
    assert (got, rejected) == ([], [5])


@pytest.mark.parametrize(
    "field",
    [
        b"\xff\x01",  # No kind of field.
        b"T" + b"\xff" * 8,  # No year that there is.
        b"d" + struct.pack(">d", math.inf),
        b"S\x00\x00",  # Cut off.
        b"F" + struct.pack(">I", 9) + b"\x01b\xff",
    ],
)
def test_properties_that_pika_cannot_read_are_none_and_the_message_stands(connect, field):
    connection, channel, _ = connect()
    bodies = []
    channel._consumers[TAG] = lambda _, __, properties, body: bodies.append((body, properties.headers, properties.type))
    table = b"\x01a" + field
    described = struct.pack(">HHQ", BasicProperties.INDEX, 0, 2) + struct.pack(">HI", 1 << 13, len(table)) + table
    header = struct.pack(">BHI", 2, 1, len(described)) + described + b"\xce"
    method, _, body = message(1, b"{}")
    connection._on_data_available(method + header + body)
    assert bodies == [(b"{}", None, None)]


def test_a_message_is_written_as_pika_writes_it(connect, monkeypatch):
    def written(kind, body):
        connection, channel, _ = connect(kind)
        pieces = []
        connection._body_max_length = MOST_OF_BODY
        monkeypatch.setattr(channel, "_state", channel.OPEN)
        monkeypatch.setattr(connection, "_adapter_emit_data", pieces.append)
        properties = BasicProperties(message_id="é", type="t", headers={"a": 1}, delivery_mode=2)
        channel.basic_publish("crm.events", "7.customer.created.v1", body, properties, mandatory=True)
        return b"".join(pieces), connection.bytes_sent, connection.frames_sent

    for size in (0, 1, MOST_OF_BODY, MOST_OF_BODY + 1):
        assert written(Wire, b"x" * size) == written(pika.SelectConnection, b"x" * size)


def test_answers_of_the_broker_are_pikas(connect):
    connection, _, _ = connect()
    answers = []
    connection.callbacks.add("1", Queue.DeclareOk, answers.append)
    connection._on_data_available(Method(1, Queue.DeclareOk("q", 1, 2)).marshal() + b"".join(message(1, b"{}")))
    assert [answer.method.queue for answer in answers] == ["q"]
