"""Exchanges, queues and bindings: declared by a deployment, checked by every relay and consumer when it starts."""

from contextlib import closing
from typing import Any

from chassis.broker.messages import BrokerRefused
from chassis.broker.operator import Operator
from chassis.broker.retries import RETRIES, RetrySchedule
from chassis.broker.subscriptions import Subscriptions

EXCHANGE = "crm.events"
UNROUTED = "crm.unrouted"
# The safety net under our own counting of attempts: a message that kills its consumer is given up before the fifth
# time, so whatever comes back a hundred times is beyond what the consumer can handle.
DELIVERY_LIMIT = 100
NOT_FOUND = 404
PRECONDITION_FAILED = 406


class TopologyError(Exception):
    """The broker's exchanges and queues are not what this service needs; the text says what to do."""


def events_queue(service: str) -> str:
    """The queue that a service consumes."""
    return f"{service}.events"


def dead_queue(service: str) -> str:
    """The queue of a service's dead letters."""
    return f"{service}.dead"


def retry_queue(service: str, delay: str) -> str:
    """The queue in which failed messages wait for one delay of the schedule."""
    return f"{service}.retry.{delay}"


def own_exchange(service: str) -> str:
    """The direct exchange by which a service, and nobody else, sends to its own queues; keys are their names."""
    return f"{service}.own"


def declare(url: str, service: str, subscriptions: Subscriptions | None, *, retries: RetrySchedule = RETRIES) -> None:
    """Declare what the service publishes to and, with subscriptions, consumes from. Running it again changes nothing.

    `url` is an operator's: a service may declare, bind and delete nothing. Raises TopologyError where something of that
    name exists with other arguments, BrokerUnavailable without a broker.
    Bindings that the service no longer wants are not removed: AMQP cannot list them.
    """
    with closing(Operator(url, name=f"{service}.topology")) as operator:
        _run(operator, "exchange_declare", exchange=UNROUTED, exchange_type="fanout", durable=True)
        arguments = {"alternate-exchange": UNROUTED}
        _run(operator, "exchange_declare", exchange=EXCHANGE, exchange_type="topic", durable=True, arguments=arguments)
        _queue(operator, UNROUTED)
        _run(operator, "queue_bind", queue=UNROUTED, exchange=UNROUTED, routing_key="")
        if subscriptions is None:
            return
        events, dead, own = events_queue(service), dead_queue(service), own_exchange(service)
        _queue(operator, dead)
        queues = [events, dead]
        for delay in retries.delays:
            ttl = int(delay.delay.total_seconds() * 1000)
            queues.append(retry_queue(service, delay.name))
            _queue(operator, queues[-1], {"x-message-ttl": ttl, **_dead_letters_to(events)})
        _queue(operator, events, {"x-delivery-limit": DELIVERY_LIMIT, **_dead_letters_to(dead)})
        _run(operator, "exchange_declare", exchange=own, exchange_type="direct", durable=True)
        for queue in queues:
            _run(operator, "queue_bind", queue=queue, exchange=own, routing_key=queue)
        for pattern in subscriptions.bindings:
            _run(operator, "queue_bind", queue=events, exchange=EXCHANGE, routing_key=pattern)


def check(url: str, service: str, *, consumes: bool, retries: RetrySchedule = RETRIES) -> None:
    """Raise TopologyError when an exchange or queue is missing, BrokerUnavailable without a broker; declare nothing."""
    names, exchanges = [UNROUTED], [EXCHANGE]
    if consumes:
        exchanges.append(own_exchange(service))
        delays = [retry_queue(service, delay.name) for delay in retries.delays]
        names += [events_queue(service), dead_queue(service), *delays]
    with closing(Operator(url, name=f"{service}.check")) as operator:
        for name in names:
            _run(operator, "queue_declare", queue=name, passive=True)
        for exchange in exchanges:
            _run(operator, "exchange_declare", exchange=exchange, passive=True)


def waiting(url: str, service: str) -> int:
    """How many messages wait for the service, beside those that it is working on."""
    with closing(Operator(url, name=f"{service}.waiting")) as operator:
        return int(_run(operator, "queue_declare", queue=events_queue(service), passive=True).message_count)


def _dead_letters_to(queue: str) -> dict[str, Any]:
    # At-most-once dead-lettering would lose what a full or missing target refuses; at-least-once needs reject-publish.
    return {
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": queue,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }


def _queue(operator: Operator, name: str, arguments: dict[str, Any] | None = None) -> None:
    quorum = {"x-queue-type": "quorum", **(arguments or {})}
    _run(operator, "queue_declare", queue=name, durable=True, arguments=quorum)


def _run(operator: Operator, operation: str, **arguments: Any) -> Any:
    try:
        return operator.call(operation, **arguments)
    except BrokerRefused as error:
        what = arguments.get("queue") or arguments.get("exchange")
        if error.code == NOT_FOUND:
            raise TopologyError(
                f"{what} does not exist on the broker: run the service's topology command before its worker"
            ) from error
        if error.code == PRECONDITION_FAILED:
            raise TopologyError(
                f"{what} exists on the broker with other arguments than this release wants ({error.text}): "
                "drain it, delete it and run the topology command again"
            ) from error
        raise TopologyError(f"the broker refused {operation} of {what}: {error}") from error
