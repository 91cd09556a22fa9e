"""With each service's credentials at the broker: its own work is done, and everything else is refused."""

from pathlib import Path

import pika
import pytest
from pika.exceptions import AMQPError

from chassis.broker import topology
from chassis.broker.retries import RETRIES
from chassis.service import load
from crm.broker_rights import LIMITS, PUBLISHED, TOPOLOGY, user_of
from crm.servers.rabbitmq import LARGEST_MESSAGE, WRITE_AHEAD_LOG
from crm.settings import SERVICES

pytestmark = pytest.mark.xdist_group("deploy-servers")

MOST_CONNECTIONS, MOST_CHANNELS = LIMITS["max-connections"], LIMITS["max-channels"]
CONSUMES = [service for service in SERVICES if load(service).subscriptions is not None]


@pytest.fixture
def broker(broker_of_services):
    return broker_of_services


@pytest.fixture
def intruder(broker, intrude, request):
    return intrude(broker.url(request.param))


def publish(exchange, key, **properties):
    return lambda channel: channel.basic_publish(exchange, key, b"{}", pika.BasicProperties(**properties))


def queues_of(service):
    retries = [topology.retry_queue(service, delay.name) for delay in RETRIES.delays]
    return [topology.events_queue(service), topology.dead_queue(service), *retries]


def count_until_refused(attempt, most):
    """How often `attempt` succeeds, one time more than `most` at most."""
    for count in range(most + 1):
        try:
            attempt()
        except AMQPError:
            return count
    return most + 1


EVERY_QUEUE = [topology.UNROUTED, *(queue for service in CONSUMES for queue in queues_of(service))]
EVERY_EXCHANGE = [
    topology.EXCHANGE, topology.UNROUTED, "amq.topic", "amq.fanout", "amq.direct", *map(topology.own_exchange, CONSUMES)
]  # fmt: skip
both = pytest.mark.parametrize(
    ("service", "intruder"), [(name, user_of(name)) for name in SERVICES], indirect=["intruder"]
)


def test_the_pattern_of_the_audit_service_matches_whatever_may_be_published():
    [pattern] = load("audit").subscriptions.bindings
    assert pattern.split(".") == ["*"] * 4
    keys = [f"42.{key}" for published in PUBLISHED.values() for key in published]
    assert {key.count(".") for key in keys} == {3}


@both
def test_a_service_does_its_own_work(service, intruder):
    for key in (*PUBLISHED["chassis"], *PUBLISHED.get(service, ())):
        assert intruder.code(publish(topology.EXCHANGE, f"42.{key}")) is None
    if service in CONSUMES:
        for queue in queues_of(service):
            assert intruder.code(publish(topology.own_exchange(service), queue)) is None
        assert intruder.code(lambda channel: channel.basic_get(topology.events_queue(service), auto_ack=True)) is None
    url = intruder.connection._impl.params  # The check at start has no right but these.
    topology.check(
        f"amqp://{url.credentials.username}:{url.credentials.password}@{url.host}:{url.port}/crm",
        service,
        consumes=service in CONSUMES,
    )


@both
def test_a_service_publishes_nothing_of_anothers(service, intruder):
    own = {key.partition(".")[0] for key in PUBLISHED.get(service, ())}
    keys = [f"42.{key}" for other in SERVICES if other != service for key in PUBLISHED.get(other, ())]
    keys += ["", "#", "42", "42.nothing.created.v1", "x.access.denied.v1", "42.access.denied.v1.user.created.v1"]
    keys += [f"42.{entity}x.created.v1" for entity in own] + [f"user.{entity}.created.v1" for entity in own]
    exchanges = [each for each in EVERY_EXCHANGE if each not in (topology.EXCHANGE, topology.own_exchange(service))]
    attempts = {key: publish(topology.EXCHANGE, key) for key in keys}
    attempts |= {f"default {queue}": publish("", queue) for queue in EVERY_QUEUE}
    attempts |= {f"{each} {queue}": publish(each, queue) for each in exchanges for queue in EVERY_QUEUE[:3]}
    assert intruder.let_through(attempts) == []


@both
def test_a_service_reads_binds_and_changes_nothing_else(service, intruder):
    own_queue, exchange = topology.events_queue(service), topology.EXCHANGE
    attempts = {}
    for queue in EVERY_QUEUE:
        if queue != own_queue:
            attempts[f"get {queue}"] = lambda channel, q=queue: channel.basic_get(q)
            attempts[f"consume {queue}"] = lambda channel, q=queue: channel.basic_consume(q, print)
            attempts[f"purge {queue}"] = lambda channel, q=queue: channel.queue_purge(q)
        attempts[f"delete {queue}"] = lambda channel, q=queue: channel.queue_delete(q)
        attempts[f"declare {queue}"] = lambda channel, q=queue: channel.queue_declare(q, durable=True)
        for key in ("#", "42.user.created.v1", "*.*.*.v1"):
            attempts[f"bind {queue} {key}"] = lambda channel, q=queue, k=key: channel.queue_bind(q, exchange, k)
            attempts[f"unbind {queue} {key}"] = lambda channel, q=queue, k=key: channel.queue_unbind(q, exchange, k)
    for name in EVERY_EXCHANGE:
        attempts[f"delete exchange {name}"] = lambda channel, n=name: channel.exchange_delete(n)
        attempts[f"declare exchange {name}"] = lambda channel, n=name: channel.exchange_declare(n, "topic")
        attempts[f"bind exchange {name}"] = lambda channel, n=name: channel.exchange_bind(n, exchange, "#")
    attempts["declare a queue of its own"] = lambda channel: channel.queue_declare(f"{service}.spy")
    attempts["declare a queue without a name"] = lambda channel: channel.queue_declare("", exclusive=True)
    attempts["declare an exchange"] = lambda channel: channel.exchange_declare(f"{service}.spy", "fanout")
    assert intruder.let_through(attempts) == []


@both
def test_a_service_takes_no_more_connections_and_channels_than_a_few_workers_need(service, intruder, intrude, broker):
    connections = count_until_refused(lambda: intrude(broker.url(user_of(service))), MOST_CONNECTIONS)
    channels = count_until_refused(intruder.connection.channel, MOST_CHANNELS)  # The last costs the connection.
    assert (1 + connections, channels) == (MOST_CONNECTIONS, MOST_CHANNELS)
    assert intrude(broker.url()).connection.is_open


@both
def test_a_service_publishes_no_message_larger_than_a_consumer_can_take_by_hundreds(service, intruder):
    def send(size):
        own = topology.own_exchange(service) if service in CONSUMES else topology.EXCHANGE
        return lambda channel: channel.basic_publish(own, f"42.{PUBLISHED['chassis'][0]}", b"x" * size)

    assert intruder.code(send(LARGEST_MESSAGE)) is None
    assert intruder.code(send(LARGEST_MESSAGE + 1)) == topology.PRECONDITION_FAILED


@pytest.mark.parametrize("file", ["docker/rabbitmq/20-crm.conf", "kubernetes/platform/rabbitmq.yaml"])
def test_largest_message_and_log_are_the_same_in_containers_and_in_kubernetes(file):
    text = (Path(__file__).parents[1] / file).read_text()
    assert f"max_message_size = {LARGEST_MESSAGE}\n" in text
    assert f"raft.wal_max_size_bytes = {WRITE_AHEAD_LOG}\n" in text


@pytest.mark.parametrize("intruder", [TOPOLOGY], indirect=True)
def test_who_declares_publishes_no_event_and_makes_nothing_of_another_name(intruder):
    keys = [f"42.{key}" for published in PUBLISHED.values() for key in published]
    attempts = {key: publish(topology.EXCHANGE, key) for key in keys}
    attempts["a queue"] = lambda channel: channel.queue_declare("consumers.spy", durable=True)
    attempts["an exchange"] = lambda channel: channel.exchange_declare("spy", "topic")
    assert intruder.let_through(attempts) == []


def test_no_user_but_the_administrator_has_a_tag(broker):
    listed = dict(line.split("\t") for line in broker.control("list_users", "--no-table-headers").splitlines())
    listed = {name: tags for name, tags in listed.items() if not name.startswith("consumer-")}
    assert listed == {user.name: "[administrator]" if user.administrator else "[]" for user in broker.users}
