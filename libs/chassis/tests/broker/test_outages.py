"""A broker of the module's own is killed and started, and has to prove who it is: nothing is lost, nobody has to help."""

import json
import socket
import ssl
import time

import pika
import pytest

from chassis.broker import topology
from chassis.broker.amqp import Publisher
from chassis.broker.messages import Message, Outcome
from chassis.broker.operator import Operator
from chassis.broker.wire import Address
from chassis.testing.certificates import make_certificate
from chassis.testing.waiting import wait_until

pytestmark = pytest.mark.xdist_group("own-broker")


def test_broker_is_killed_and_started_again_under_load(stage, own_broker):
    stage.broker_url = own_broker.url
    stage.declare()
    with stage.running(stage.relay()), stage.running(stage.consumer()):
        for record in range(1, 101):
            stage.record(record)
        wait_until(lambda: stage.effects() == 100)
        # RabbitMQ 3.10 registers a new quorum queue on disk some seconds after it confirmed the declaration, and a
        # queue that is younger when its node is killed comes back without its log and never answers again.
        time.sleep(8)
        for record in range(301, 401):
            stage.record(record)
        own_broker.kill()
        for record in range(101, 201):
            stage.record(record)
        time.sleep(1.0)
        assert stage.sql("SELECT max(attempts) FROM outbox_pending") == [(0,)]
        own_broker.start()
        wait_until(lambda: stage.effects() == 300, 40)
        wait_until(lambda: stage.unpublished() == 0)
    assert stage.effects() == 300
    assert stage.failed() == []


def test_publishing_without_a_broker_answers_and_never_hangs():
    publisher = Publisher("amqp://guest:guest@127.0.0.1:1/", name="test")
    began = time.monotonic()
    assert publisher.publish_batch([Message(topology.EXCHANGE, "k", b"", "1")]) == [Outcome.LOST]
    publisher.close()
    assert time.monotonic() - began < 2


def test_a_blocked_broker_ends_in_a_timeout_and_resumes_by_itself(stage, own_broker):
    stage.broker_url = own_broker.url
    stage.declare()
    publisher = Publisher(f"{own_broker.url}?blocked_connection_timeout=2", name="test")
    assert publisher.wait_ready(5)
    message = Message(topology.EXCHANGE, f"{stage.company}.x", b"x", "1")
    own_broker.server.control("eval", "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []}).")
    try:
        began = time.monotonic()
        assert publisher.publish_batch([message], 20) == [Outcome.LOST]
        assert time.monotonic() - began < 10
    finally:
        own_broker.server.control("eval", "rabbit_alarm:clear_alarm({resource_limit, memory, node()}).")
    assert publisher.wait_ready(10)
    wait_until(lambda: publisher.publish_batch([message], 5) == [Outcome.CONFIRMED])
    publisher.close()


def test_the_relay_waits_for_a_database_that_is_not_there(stage):
    stage.declare()
    stage.record(1)
    with stage.home.down():
        relay = stage.running(stage.relay())
        relay.__enter__()
        time.sleep(1.0)
    wait_until(lambda: stage.unpublished() == 0)
    relay.__exit__(None, None, None)


def test_an_event_whose_key_the_broker_refuses_holds_back_no_other(stage, own_broker):
    """Rights may be older than the release that publishes: what is refused waits, and the rest goes out."""
    stage.broker_url = own_broker.url
    stage.declare()
    stage.record(1)
    refused = stage.record(2)
    stage.sql("UPDATE outbox SET routing_key = 'other.thing' WHERE event_id = %s::uuid", refused)
    stage.record(3)
    url = limited_user(own_broker, stage)
    with stage.running(stage.relay(broker_url=url)):
        wait_until(lambda: stage.unpublished() == 1)
        wait_until(lambda: stage.sql("SELECT 1 FROM outbox_pending WHERE last_error LIKE '403%'"))
    assert stage.sql("SELECT event_id::text FROM outbox JOIN outbox_pending USING (id)") == [(refused,)]


def limited_user(broker, stage):
    """A user that may publish this company's events alone."""
    whose = {"user": stage.service, "vhost": stage.broker_url.rpartition("/")[2]}
    topics = {"exchange": topology.EXCHANGE, "write": rf"^{stage.company}\..*$", "read": "^$"}
    # In one go: each call of the broker's tool starts an Erlang machine.
    given = {
        "users": [{"name": stage.service, "password": "secret", "tags": ""}],
        "permissions": [{**whose, "configure": "^$", "write": "^crm\\.events$", "read": "^$"}],
        "topic_permissions": [{**whose, **topics}],
    }
    broker.server.control("import_definitions", given=json.dumps(given))
    place = stage.broker_url.rpartition("@")[2]
    return f"amqp://{stage.service}:secret@{place}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that has not signed the broker's certificate."""
    return make_certificate(tmp_path_factory.mktemp("tls") / "stranger.pem")


@pytest.fixture(scope="module")
def tls_url_of(own_broker, certificate):
    """URLs of the broker with TLS, where it listens too from now on until it is started anew."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = f'[{{certfile, "{certificate}"}}, {{keyfile, "{certificate}"}}]'
    own_broker.server.control(
        "eval",
        "rabbit_networking:ensure_ssl(),"
        f' ok = rabbit_networking:start_ssl_listener({{"127.0.0.1", {port}}}, {options}, 1).',
    )
    tail = own_broker.url.rpartition("@")
    vhost = tail[2].partition("/")[2]
    signed_in = tail[0].removeprefix("amqp://")
    return lambda authority, host="localhost": f"amqps://{signed_in}@{host}:{port}/{vhost}?cacertfile={authority}"


def test_a_service_speaks_amqp_over_tls_alone(tls_url_of, certificate):
    operator = Operator(tls_url_of(certificate), name="tls")
    try:
        answer = operator.call("queue_declare", queue="", exclusive=True)
        assert answer.queue
    finally:
        operator.close()


def test_a_broker_that_does_not_prove_who_it_is_gets_no_password(tls_url_of, certificate, stranger):
    for url in (tls_url_of(stranger), tls_url_of(certificate, host="127.0.0.1")):
        with pytest.raises(ssl.SSLCertVerificationError):
            pika.BlockingConnection(Address(url))


def test_an_authority_without_tls_is_a_mistake(certificate):
    with pytest.raises(ValueError, match="amqps"):
        Address(f"amqp://localhost/?cacertfile={certificate}")
