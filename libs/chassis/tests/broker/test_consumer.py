"""The consumer: effects once, failures contained, nothing acknowledged before it is safe."""

import contextlib
import threading
import time
from contextlib import closing
from dataclasses import replace

import pytest

from chassis import events
from chassis.broker import consumer, dead_letters, topology
from chassis.broker.amqp import Publisher, Subscriber
from chassis.broker.messages import Message, Outcome
from chassis.broker.operator import Operator
from chassis.broker.subscriptions import Subscriptions
from chassis.context import current
from chassis.db.session import Database
from chassis.errors import Invalid
from chassis.events import EventType
from chassis.testing.waiting import wait_until

UPDATED = EventType("customer", "updated", "customers")


def test_a_duplicate_event_has_one_effect(stage):
    stage.declare()
    body = stage.body()
    with stage.running(stage.consumer()):
        stage.publish(body, body)
        wait_until(lambda: stage.effects() == 1)
        stage.publish(body, stage.body(2))
        wait_until(lambda: stage.effects() == 2)
    assert stage.sql("SELECT count(*) FROM inbox") == [(2,)]


def test_many_consumers_with_the_same_event_produce_one_effect(stage):
    stage.declare()
    body = stage.body()
    stage.publish(*[body] * 100)
    with (
        stage.running(stage.consumer(batch=3)),
        stage.running(stage.consumer(batch=3)),
        stage.running(stage.consumer(batch=3)),
    ):
        wait_until(lambda: stage.depth(topology.events_queue(stage.service)) == 0)
        wait_until(lambda: stage.effects() == 1)
    assert stage.effects() == 1
    assert stage.failed() == []


def test_the_handler_works_in_the_tenant_of_the_event_and_knows_its_cause(stage):
    seen = []

    def handler(session, event):
        seen.append((current().company_id, current().request_id, current().causation_id == event.id))
        stage.effect(session, event)

    stage.declare()
    with stage.running(stage.consumer(stage.subscriptions(handler))):
        stage.publish(stage.body())
        wait_until(lambda: stage.effects() == 1)
    assert seen == [(stage.company, "request-1", True)]
    assert stage.sql("SELECT company_id FROM effects") == [(stage.company,)]


def test_events_of_two_tenants_in_one_transaction_have_each_their_own_tenant(stage):
    """Below row-level security an effect in the wrong tenant finds no row, and the event would be lost as handled."""
    other = replace(stage, company=next(stage.companies))
    subscriptions = Subscriptions(
        bindings=(f"{stage.company}.#", f"{other.company}.#"), handlers={UPDATED.name: stage.effect}
    )
    stage.declare(subscriptions)
    tenants = [(stage, other, stage, other, other)[record % 5] for record in range(50)]
    messages = [
        Message(topology.EXCHANGE, UPDATED.routing_key(tenant.company), tenant.body(record), events.new_id())
        for record, tenant in enumerate(tenants, 1)
    ]
    with closing(Publisher(stage.broker_url, name="test")) as publisher:
        assert publisher.wait_ready(5)
        assert set(publisher.publish_batch(messages)) == {Outcome.CONFIRMED}
    expected = [(record, tenant.company) for record, tenant in enumerate(tenants, 1)]
    with stage.running(stage.consumer(subscriptions)):
        wait_until(lambda: stage.effects() == len(expected))
    assert stage.sql("SELECT record_id, company_id FROM effects ORDER BY record_id") == expected
    shared = "SELECT 1 FROM effects GROUP BY xmin::text HAVING count(DISTINCT company_id) > 1"
    assert stage.sql(shared), "no transaction had events of both"


def test_where_many_fail_together_each_is_handled_alone(stage):
    """One event that no retry can mend takes no other of its run with it."""

    class Keeping:
        def __call__(self, session, event):
            if event.record_id == 7:
                raise Invalid("broken", "it will never be right")
            stage.effect(session, event)

        def many(self, session, found):
            for event in found:
                self(session, event)

    subscriptions = stage.subscriptions(Keeping())
    stage.declare(subscriptions)
    stage.publish(*[stage.body(record) for record in range(1, 21)])
    with stage.running(stage.consumer(subscriptions)):
        wait_until(lambda: stage.effects() == 19)
        wait_until(lambda: len(stage.failed()) == 1)
    assert stage.sql("SELECT record_id FROM effects ORDER BY 1") == [(n,) for n in range(1, 21) if n != 7]


def test_a_message_that_cannot_be_moved_stays_where_it_is(stage):
    """Its retry queue is gone: the broker returns the copy, and the original is not acknowledged."""
    failed = threading.Event()

    def handler(session, event):
        failed.set()
        raise RuntimeError("not now")

    stage.declare()
    retry = topology.retry_queue(stage.service, "short")
    with closing(Operator(stage.broker_url, name="test")) as operator:
        with stage.running(stage.consumer(stage.subscriptions(handler))):
            wait_until(lambda: operator.call("queue_declare", queue=stage.events, passive=True).consumer_count)
            operator.call("queue_delete", queue=retry)
            stage.publish(stage.body())
            assert failed.wait(10)
            time.sleep(0.5)
        wait_until(lambda: stage.depth(stage.events) == 1)
    assert len(stage.arrived(1)) == 1
    assert stage.failed() == []


def test_a_batch_handler_gets_many_events_in_one_transaction(stage):
    sizes = []

    def batch(session, found):
        sizes.append(len(found))
        for event in found:
            stage.effect(session, event)

    subscriptions = stage.subscriptions(batch=batch)
    stage.declare(subscriptions)
    stage.publish(*[stage.body(record) for record in range(1, 101)])
    with stage.running(stage.consumer(subscriptions)):
        wait_until(lambda: stage.effects() == 100)
    assert max(sizes) > 20


def test_a_batch_of_large_events_is_a_small_one(stage, monkeypatch):
    sizes = []

    def batch(session, found):
        sizes.append(len(found))
        for event in found:
            stage.effect(session, event)

    subscriptions = stage.subscriptions(batch=batch)
    stage.declare(subscriptions)
    bodies = [stage.body(record) for record in range(1, 41)]
    monkeypatch.setattr(consumer, "BATCH_BYTES", 3 * len(bodies[0]))
    stage.publish(*bodies)
    with stage.running(stage.consumer(subscriptions)):
        wait_until(lambda: stage.effects() == 40)
    assert max(sizes) == 3


def test_an_unknown_event_type_is_ignored(stage):
    stage.declare()
    with stage.running(stage.consumer()):
        painted = stage.body().replace(b"crm.customer.updated.v1", b"crm.customer.painted.v1")
        stage.publish(painted, key=f"{stage.company}.customer.painted.v1")
        stage.publish(stage.body(2))
        wait_until(lambda: stage.effects() == 1)
        wait_until(lambda: stage.depth(topology.events_queue(stage.service)) == 0)
    assert stage.sql("SELECT count(*) FROM inbox") == [(1,)]


def test_poison_among_good_events_becomes_one_dead_letter_with_its_history(stage):
    poison = events.new_id()

    def handler(session, event):
        if event.id == poison:
            raise RuntimeError("\x00 cannot be handled \ud800")
        stage.effect(session, event)

    subscriptions = stage.subscriptions(handler)
    stage.declare(subscriptions)
    good = [stage.body(record) for record in range(1, 201)]
    stage.publish(*good[:100], b'{"not": "an event"}', stage.body(999, event_id=poison), *good[100:])
    with stage.running(stage.consumer(subscriptions)):
        wait_until(lambda: stage.effects() == 200)
        wait_until(lambda: len(stage.failed()) == 2)
        wait_until(lambda: stage.depth(topology.dead_queue(stage.service)) == 2)
    rows = {row[1]: row for row in stage.failed()}
    assert [entry["attempt"] for entry in rows[poison][3]] == [1, 2, 3]
    assert "cannot be handled" in rows[poison][2]
    assert len(rows[None][3]) == 1
    assert stage.effects() == 200


def test_an_event_that_no_retry_can_mend_is_dead_at_once(stage):
    def handler(session, event):
        raise Invalid("broken", "it will never be right")

    subscriptions = stage.subscriptions(handler)
    stage.declare(subscriptions)
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(stage.body())
        wait_until(stage.failed)
    assert len(stage.failed()[0][3]) == 1


def test_a_failure_that_passes_is_retried_until_it_succeeds(stage):
    tries = []

    def handler(session, event):
        tries.append(time.monotonic())
        stage.effect(session, event)
        if len(tries) < 4:
            raise RuntimeError("not yet")

    subscriptions = stage.subscriptions(handler)
    stage.declare(subscriptions)
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(stage.body())
        wait_until(lambda: stage.effects() == 1)
    # In the batch, alone, and after each of the two delays.
    assert len(tries) == 4
    assert stage.effects() == 1
    assert stage.failed() == []


def test_a_handler_that_swallows_a_database_error_loses_nothing(stage):
    def handler(session, event):
        stage.effect(session, event)
        with contextlib.suppress(Exception):  # The mistake under test.
            session.writer.open_connection().execute("SELECT 1/0")

    subscriptions = stage.subscriptions(handler)
    stage.declare(subscriptions)
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(stage.body())
        wait_until(stage.failed)
    assert "aborted transaction" in stage.failed()[0][2]


def test_an_unreachable_database_costs_no_attempt(stage):
    stage.declare()
    with stage.running(stage.consumer()):
        stage.publish(stage.body(1))
        wait_until(lambda: stage.effects() == 1)
        with stage.home.down():
            stage.publish(*[stage.body(record) for record in range(2, 12)])
            time.sleep(1.5)
        wait_until(lambda: stage.effects() == 11)
    assert stage.failed() == []
    assert stage.depth(topology.retry_queue(stage.service, "short")) == 0


def test_a_message_that_killed_the_process_four_times_alone_is_not_handled_again(stage):
    handled = threading.Event()

    def handler(session, event):
        handled.set()

    subscriptions = stage.subscriptions(handler)
    stage.declare(subscriptions)
    stage.publish(stage.body(event_id=(event_id := events.new_id())))
    # As the books are after four deaths; the message comes back from a consumer that is gone.
    stage.sql("INSERT INTO message_attempts VALUES (%s, %s, 4)", stage.service, event_id)
    _deliver_and_vanish(stage)
    with stage.running(stage.consumer(subscriptions)):
        wait_until(stage.failed)
        wait_until(lambda: stage.sql("SELECT count(*) FROM message_attempts") == [(0,)])
    assert not handled.is_set()


def test_redelivered_messages_take_effect_once_and_leave_no_attempts_behind(stage):
    stage.declare()
    stage.publish(*[stage.body(record) for record in range(1, 51)])
    _deliver_and_vanish(stage)
    with stage.running(stage.consumer()):
        wait_until(lambda: stage.effects() == 50)
        wait_until(lambda: stage.sql("SELECT count(*) FROM message_attempts") == [(0,)])
    assert stage.failed() == []


def test_a_dead_letter_is_replayed_once_and_forced_twice(stage):
    broken = threading.Event()
    broken.set()

    def handler(session, event):
        if broken.is_set():
            raise Invalid("broken", "not yet mended")
        stage.effect(session, event)

    subscriptions = stage.subscriptions(handler)
    stage.declare(subscriptions)
    owner = Database(stage.home.owner_url)
    with stage.running(stage.consumer(subscriptions)):
        stage.publish(stage.body())
        wait_until(stage.failed)
        (letter,) = dead_letters.list_dead_letters(stage.app, stage.service)
        # Still broken: the replay ends as a dead letter of its own.
        assert dead_letters.replay(stage.app, stage.broker_url, stage.service, [letter.id]) == [letter.id]
        wait_until(lambda: len(stage.failed()) == 2)
        broken.clear()
        (second,) = dead_letters.list_dead_letters(stage.app, stage.service)
        assert dead_letters.replay(stage.app, stage.broker_url, stage.service, [second.id]) == [second.id]
        wait_until(lambda: stage.effects() == 1)
        assert dead_letters.replay(stage.app, stage.broker_url, stage.service, [second.id]) == []
        assert dead_letters.replay(owner, stage.broker_url, stage.service, [second.id], force=True) == [second.id]
        wait_until(lambda: stage.effects() == 2)
    assert dead_letters.list_dead_letters(stage.app, stage.service) == []
    with pytest.raises(dead_letters.ReplayError):
        dead_letters.replay(stage.app, stage.broker_url, stage.service, [0])
    owner.dispose()


def _deliver_and_vanish(stage):
    """Take every message and close without an acknowledgement, so that they come back marked as redelivered."""
    queue = topology.events_queue(stage.service)
    with closing(Subscriber(stage.broker_url, name="vanishing", queue_name=queue, prefetch=500)) as subscriber:
        assert subscriber.take(5)
        while subscriber.take(0.3):
            pass
