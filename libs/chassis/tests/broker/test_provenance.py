"""What no owner could have published becomes a dead letter and has no effect, however it was brought in."""

import pika
import pytest

from chassis.broker import topology
from chassis.broker.subscriptions import Subscriptions
from chassis.testing.waiting import wait_until

KEY = "{company}.customer.updated.v1"


def every_kind(stage):
    """A consumer of whatever comes, as the audit log's is."""

    def batch(session, found):
        for event in found:
            stage.effect(session, event)

    return Subscriptions(bindings=(f"{stage.company}.#",), batch=batch)


@pytest.mark.parametrize(
    ("key", "mark", "forged", "reason"),
    [
        (KEY, b'"source":"customers"', b'"source":"audit"', "customers owns customer, and the event's source is audit"),
        ("{company}.access.denied.v1", b"", b"", "came under the key"),
        ("{company}.customer.updated.v1.x", b"", b"", "came under the key"),
        (KEY, b'"companyid":', b'"companyid":9', "came under the key"),
        (KEY, b"crm.customer.updated.v1", b"crm.user.updated.v1", "came under the key"),
        ("{company}.user.updated.v1", b"crm.customer.updated.v1", b"crm.user.updated.v1", "identity owns user"),
    ],
)
def test_a_forged_event_is_refused_with_the_reason(stage, key, mark, forged, reason):
    subscriptions = every_kind(stage)
    stage.declare(subscriptions)
    body = stage.body().replace(mark, forged) if mark else stage.body()
    # Whoever publishes also chooses the headers by which a consumer knows what it has sent itself.
    headers = {"crm-routing-key": KEY.format(company=stage.company), "crm-attempt": 1}
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(body, key=key.format(company=stage.company), headers=headers)
        stage.publish(stage.body(2))
        wait_until(lambda: stage.effects() == 1)
        wait_until(lambda: stage.depth(topology.dead_queue(stage.service)) == 1)
    (letter,) = stage.failed()
    assert reason in letter[2]
    assert letter[3][0]["attempt"] == 1
    assert stage.sql("SELECT record_id FROM effects") == [(2,)]


def test_a_copy_to_a_key_of_another_owner_is_refused(stage):
    """Some brokers hold the key alone against the publisher's rights, and not those it has copies sent to."""
    stage.declare(Subscriptions(bindings=(KEY.format(company=stage.company),), handlers=stage.subscriptions().handlers))
    connection = pika.BlockingConnection(pika.URLParameters(stage.broker_url))
    copy = pika.BasicProperties(headers={"CC": [KEY.format(company=stage.company)]})
    with stage.running(stage.consumer()):
        channel = connection.channel()
        channel.basic_publish(topology.EXCHANGE, f"{stage.company}.access.denied.v1", stage.body(), copy)
        wait_until(lambda: len(stage.failed()) == 1)
    connection.close()
    assert stage.effects() == 0


def test_an_event_of_an_entity_that_is_new_waits_for_the_release_that_knows_it(stage):
    subscriptions = every_kind(stage)
    stage.declare(subscriptions)
    body = stage.body().replace(b"crm.customer.updated.v1", b"crm.gadget.updated.v1")
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(body, key=f"{stage.company}.gadget.updated.v1")
        wait_until(lambda: len(stage.failed()) == 1)
    ((_, _, error, history, _),) = stage.failed()
    assert "nobody is known to own gadget" in error
    assert [entry["attempt"] for entry in history] == [1, 2, 3]


def test_a_refusal_of_every_service_is_taken_from_each(stage):
    subscriptions = every_kind(stage)
    stage.declare(subscriptions)
    bodies = [
        stage.body(record)
        .replace(b"crm.customer.updated.v1", b"crm.access.denied.v1")
        .replace(b'"source":"customers"', b'"source":"%s"' % source)
        for record, source in enumerate((b"customers", b"identity", b"audit"), 1)
    ]
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(*bodies, key=f"{stage.company}.access.denied.v1")
        wait_until(lambda: stage.effects() == 3)
    assert stage.failed() == []
