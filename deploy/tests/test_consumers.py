"""Other systems at the broker: they get their events, and with their credentials nothing else."""

import pika
import pytest
from click.testing import CliRunner
from pika.exceptions import AMQPError, ProbableAuthenticationError

from chassis.broker import topology
from chassis.testing.waiting import wait_until
from crm import cli
from crm.broker_rights import PUBLISHED, user_of
from crm.consumers import Consumers, Wish, binding, split
from crm.errors import OperatorError
from crm.servers.rabbitmq import ADMIN, VHOST
from crm.settings import SERVICES

pytestmark = pytest.mark.xdist_group("deploy-servers")


@pytest.fixture(scope="module")
def consumers(broker_of_services):
    return Consumers(broker_of_services.control)


@pytest.fixture(scope="module")
def url_of(broker_of_services):
    port = broker_of_services.ports.amqp
    return lambda access: f"amqp://{access.user}:{access.password}@127.0.0.1:{port}/{VHOST}"


def wish(name, company, *events):
    return Wish(name=name, company=company, events=events, days=7, messages=1000)


@pytest.fixture(scope="module")
def acme(consumers):
    return consumers.add(wish("acme", 42, "customer.*", "deal.won"))


@pytest.fixture(scope="module")
def other(consumers):
    return consumers.add(wish("other-2", 43, "customer.*"))


def publish(broker, *keys):
    """As the services would, which alone may."""
    connection = pika.BlockingConnection(pika.URLParameters(broker.url(ADMIN)))
    channel = connection.channel()
    channel.confirm_delivery()
    for key in keys:
        channel.basic_publish(topology.EXCHANGE, key, key.encode())
    connection.close()


def take(intruder, queue, count):
    """The bodies of so many messages, which are acknowledged, and whether there is another."""
    channel = intruder.connection.channel()
    bodies = []
    for method, _, body in channel.consume(queue, inactivity_timeout=60):
        if method is None:
            break
        bodies.append(body.decode())
        channel.basic_ack(method.delivery_tag)
        if len(bodies) == count:
            break
    channel.cancel()
    left = channel.queue_declare(queue, passive=True).method.message_count
    channel.close()
    return bodies, left


def test_a_consumer_gets_the_events_that_it_asked_for_of_its_company_alone(
    broker_of_services, acme, other, url_of, intrude
):
    mine = ["42.customer.created.v1", "42.customer.purged.v1", "42.deal.won.v1"]
    theirs = ["43.customer.created.v1", "4.customer.created.v1", "420.customer.created.v1", "142.deal.won.v1"]
    unasked = ["42.deal.lost.v1", "42.customer.created.v2", "42.user.created.v1", "42.customer_export.created.v1"]
    publish(broker_of_services, *mine, *theirs, *unasked)
    assert take(intrude(url_of(acme)), acme.queue, 3) == (mine, 0)
    assert take(intrude(url_of(other)), other.queue, 1) == (["43.customer.created.v1"], 0)


def test_a_consumer_can_do_nothing_else(broker_of_services, acme, other, url_of, intrude):
    own = {acme.queue, acme.queue + ".dead"}
    queues = [topology.UNROUTED, other.queue, other.queue + ".dead", *own]
    queues += [f"{service}.{kind}" for service in SERVICES if service != "identity" for kind in ("events", "dead")]
    exchanges = [topology.EXCHANGE, topology.UNROUTED, "customers.own", "amq.topic", "amq.direct", "amq.fanout", ""]
    attempts = {}
    for queue in queues:
        if queue not in own:
            attempts[f"get {queue}"] = lambda channel, q=queue: channel.basic_get(q)
            attempts[f"consume {queue}"] = lambda channel, q=queue: channel.basic_consume(q, print)
            attempts[f"purge {queue}"] = lambda channel, q=queue: channel.queue_purge(q)
        attempts[f"delete {queue}"] = lambda channel, q=queue: channel.queue_delete(q)
        attempts[f"declare {queue}"] = lambda channel, q=queue: channel.queue_declare(q, durable=True)
        for key in ("#", "43.#", "42.#", "*.customer.*.v1", "42.user.created.v1", ""):
            attempts[f"bind {queue} {key}"] = lambda channel, q=queue, k=key: channel.queue_bind(q, "crm.events", k)
            attempts[f"unbind {queue} {key}"] = lambda channel, q=queue, k=key: channel.queue_unbind(q, "crm.events", k)
        for exchange in exchanges:
            attempts[f"send to {queue} by {exchange}"] = lambda channel, x=exchange, q=queue: channel.basic_publish(
                x, q, b""
            )
    for key in PUBLISHED["customers"]:
        attempts[f"publish {key}"] = lambda channel, k=key: channel.basic_publish("crm.events", f"42.{k}", b"{}")
    for exchange in exchanges[:-1]:
        attempts[f"delete {exchange}"] = lambda channel, x=exchange: channel.exchange_delete(x)
        attempts[f"bind {exchange}"] = lambda channel, x=exchange: channel.exchange_bind(x, "crm.events", "#")
        attempts[f"bind to {exchange}"] = lambda channel, x=exchange: channel.exchange_bind("amq.topic", x, "#")
    attempts["a queue"] = lambda channel: channel.queue_declare("consumers.acme.mine", durable=True)
    attempts["a queue without a name"] = lambda channel: channel.queue_declare("", exclusive=True)
    attempts["an exchange"] = lambda channel: channel.exchange_declare("consumers.acme", "topic")
    assert intrude(url_of(acme)).let_through(attempts) == []
    assert user_of("customers") not in acme.user


def test_a_consumer_has_so_many_connections_and_no_more(acme, url_of):
    held = [pika.BlockingConnection(pika.URLParameters(url_of(acme))) for _ in range(10)]
    with pytest.raises(AMQPError):
        pika.BlockingConnection(pika.URLParameters(url_of(acme)))
    for connection in held:
        connection.close()


def test_what_a_consumer_cannot_take_is_put_aside_for_it(broker_of_services, acme, url_of, intrude):
    publish(broker_of_services, "42.deal.won.v1")
    intruder = intrude(url_of(acme))
    channel = intruder.connection.channel()
    method, _, _ = next(channel.consume(acme.queue, inactivity_timeout=60))
    channel.basic_reject(method.delivery_tag, requeue=False)
    channel.close()
    assert take(intruder, acme.queue + ".dead", 1) == (["42.deal.won.v1"], 0)


def test_a_consumer_that_stays_away_loses_its_oldest_events_and_stops_nobody(
    broker_of_services, consumers, other, url_of, intrude
):
    publish(broker_of_services, *["43.customer.created.v1"] * 1010)
    dead, _ = take(intrude(url_of(other)), other.queue + ".dead", 10)
    assert len(dead) == 10
    # A quorum queue tells its length every five seconds.
    (found,) = wait_until(
        lambda: [one for one in consumers.list_all() if one.queue == other.queue],
        60,
        so=lambda listed: [(one.waiting, one.dead, one.connections) for one in listed] == [(1000, 0, 0)],
    )
    assert (found.name, found.company, found.events) == ("other-2", "43", ("customer.*.v1",))


def test_a_new_password_ends_the_one_before_and_a_removal_everything(
    broker_of_services, consumers, other, url_of, intrude
):
    held = intrude(url_of(other))
    after = consumers.rotate("other-2")
    assert (after.user, after.queue) == (other.user, other.queue)
    with pytest.raises(AMQPError):
        held.connection.sleep(10)
    with pytest.raises(ProbableAuthenticationError):
        intrude(url_of(other))
    bodies, _ = take(intrude(url_of(after)), after.queue, 1)
    assert bodies == ["43.customer.created.v1"], "its queue was not kept"
    consumers.remove("other-2")
    with pytest.raises(ProbableAuthenticationError):
        intrude(url_of(after))
    assert "other-2" not in broker_of_services.control("list_queues", "-p", VHOST, "name")
    with pytest.raises(OperatorError, match=r"there is no consumer other-2; known are: acme"):
        consumers.remove("other-2")


def test_a_name_is_taken_once_and_has_a_form(consumers, acme):
    with pytest.raises(OperatorError, match="there is a consumer acme; `crm consumers rotate acme`"):
        consumers.add(wish("acme", 44, "deal.won"))
    for name in ("", "A", "a.b", "acme/../x", "a" * 32, "1st", "acme\n"):
        with pytest.raises(OperatorError, match="is no name for a consumer"):
            consumers.add(wish(name, 1, "deal.won"))


@pytest.mark.parametrize(
    ("pattern", "company", "key"),
    [
        ("customer.*", 42, "42.customer.*.v1"),
        ("deal.won", None, "*.deal.won.v1"),
        ("*.created.v1", 7, "7.*.created.v1"),
        ("*.*", 7, "7.*.*.v1"),
    ],
)
def test_a_pattern_is_a_key_of_one_company_or_of_all(pattern, company, key):
    assert binding(pattern, company) == key


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("#", "is no pattern of events"),
        ("42.customer.*", "is no pattern of events"),
        ("customer", "is no pattern of events"),
        ("customer.#", "is no pattern of events"),
        ("customer.create", "nothing publishes customer.create.v1; there are customer.created.v1, "),
        ("customer.created.v9", "nothing publishes customer.created.v9"),
    ],
)
def test_a_pattern_that_brings_nothing_is_refused(pattern, said):
    with pytest.raises(OperatorError, match=said):
        binding(pattern, 1)


def test_patterns_are_given_with_commas_or_one_by_one():
    assert split(["customer.*, deal.won", "deal.won", ""]) == ("customer.*", "deal.won")


def test_without_a_stack_the_command_says_what_to_do(tmp_path):
    done = CliRunner().invoke(cli.main, ["--home", str(tmp_path), "consumers", "list"])
    assert done.exit_code == 1
    assert "make one with: make up" in done.output
