"""The relay: order, nothing lost, nothing marked that the broker has not."""

import time
from contextlib import closing

import psycopg
import pytest

from chassis.broker import topology
from chassis.broker.amqp import Publisher
from chassis.broker.messages import Batch
from chassis.broker.operator import Operator
from chassis.broker.relay import _message
from chassis.db.writer import Writer
from chassis.testing.waiting import wait_until


def test_events_of_one_aggregate_arrive_in_the_order_of_their_versions(stage):
    stage.declare()
    for version in range(1, 21):
        for record in (1, 2, 3):
            stage.record(record, version)
    with stage.running(stage.relay(batch=5)):
        wait_until(lambda: stage.unpublished() == 0)
    assert stage.versions(stage.arrived(60)) == {record: list(range(1, 21)) for record in (1, 2, 3)}


def test_a_transaction_that_commits_late_is_published_although_its_id_is_lower(stage):
    stage.declare()
    with stage.running(stage.relay()):
        with stage.app.transaction() as late:
            stage.record(1, session=late)
            stage.record(2)
            wait_until(lambda: stage.sql("SELECT 1 FROM outbox_published"))
        wait_until(lambda: stage.unpublished() == 0)
    assert set(stage.versions(stage.arrived(2))) == {1, 2}


def test_confirmed_events_are_marked_once_and_sent_once(stage):
    stage.declare()
    with stage.app.transaction() as session:
        for record in range(1, 501):
            stage.record(record, session=session)
    with stage.running(stage.relay()):
        wait_until(lambda: stage.unpublished() == 0)
    assert stage.sql("SELECT count(*), count(DISTINCT i) FROM outbox_published, unnest(ids) AS i") == [(500, 500)]
    stage.arrived(500)


def test_rollback_leaves_no_outbox_row(stage):
    session = stage.app.session()
    stage.record(1, session=session)
    session.rollback()
    assert stage.sql("SELECT count(*) FROM outbox") == [(0,)]


def test_an_event_that_nobody_wants_is_kept_in_the_unrouted_queue(stage):
    topology.declare(stage.broker_url, stage.service, None)
    with closing(Operator(stage.broker_url, name="test")) as operator:
        operator.call("queue_purge", queue=topology.UNROUTED)
    stage.record(1)
    with stage.running(stage.relay()):
        wait_until(lambda: stage.unpublished() == 0)
    stage.arrived(1, topology.UNROUTED)


def test_an_event_with_no_queue_at_all_stays_in_the_outbox_and_is_tried_again(stage):
    topology.declare(stage.broker_url, stage.service, None)
    with closing(Operator(stage.broker_url, name="test")) as operator:
        operator.call("queue_unbind", queue=topology.UNROUTED, exchange=topology.UNROUTED, routing_key="")
        try:
            stage.record(1, 1)
            stage.record(1, 2)
            with stage.running(stage.relay()):
                wait_until(lambda: stage.sql("SELECT 1 FROM outbox_pending WHERE last_error LIKE 'returned%'"))
                assert stage.unpublished() == 2
                assert stage.sql(
                    "SELECT max(p.attempts) FROM outbox JOIN outbox_pending p USING (id) WHERE aggregate_version = 2"
                ) == [(0,)]
                operator.call("queue_bind", queue=topology.UNROUTED, exchange=topology.UNROUTED, routing_key="")
                wait_until(lambda: stage.unpublished() == 0)
        finally:
            operator.call("queue_bind", queue=topology.UNROUTED, exchange=topology.UNROUTED, routing_key="")
    assert stage.versions(stage.arrived(2, topology.UNROUTED)) == {1: [1, 2]}


def test_an_event_that_cannot_be_sent_holds_back_its_aggregate_only(stage):
    stage.declare()
    stage.record(1, 1)
    stage.record(1, 2)
    stage.record(2, 1)
    # 200 characters that are 400 bytes: more than AMQP's short string holds.
    stage.sql("UPDATE outbox SET routing_key = repeat('é', 200) WHERE aggregate_id = 1 AND aggregate_version = 1")
    with stage.running(stage.relay()):
        wait_until(lambda: stage.sql("SELECT 1 FROM outbox_pending WHERE last_error LIKE 'refused%'"))
        wait_until(lambda: stage.unpublished() == 2)
        time.sleep(0.3)
    assert stage.versions(stage.arrived(1)) == {2: [1]}
    assert stage.sql("SELECT attempts FROM outbox_pending ORDER BY id DESC LIMIT 1") == [(0,)]


def test_events_that_are_gone_keep_nobody_waiting(stage):
    stage.declare()
    for record in range(1, 6):
        stage.record(record)
    stage.sql("SET session_replication_role = replica; DELETE FROM outbox WHERE aggregate_id <= 3")
    assert stage.unpublished() == 5
    with stage.running(stage.relay(batch=2)):
        wait_until(lambda: stage.unpublished() == 0)
    assert set(stage.versions(stage.arrived(2))) == {4, 5}


def test_a_standby_takes_over_when_the_active_relay_ends(stage):
    stage.declare()
    with stage.running(stage.relay()) as first:
        stage.record(1)
        wait_until(lambda: stage.unpublished() == 0)
        with stage.running(stage.relay()):
            time.sleep(0.3)
            holders = stage.sql(
                "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
                "WHERE locktype = 'advisory' AND granted AND datname = current_database()"
            )
            assert holders == [(1,)]
            first.set()
            stage.record(2)
            wait_until(lambda: stage.unpublished() == 0)
    stage.arrived(2)


def test_relay_that_dies_between_confirm_and_mark_publishes_again_and_the_inbox_absorbs_it(stage):
    stage.declare()
    stage.sql(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'killed before the mark'; END $$; "
        "CREATE TRIGGER die BEFORE DELETE ON outbox_pending EXECUTE FUNCTION die()"
    )
    stage.record(1)
    try:
        with stage.running(stage.relay()):
            wait_until(lambda: stage.depth(topology.events_queue(stage.service)) >= 1)
    finally:
        stage.sql("DROP FUNCTION die CASCADE")
    assert stage.unpublished() == 1
    with stage.running(stage.relay()):
        wait_until(lambda: stage.unpublished() == 0)
    assert stage.depth(topology.events_queue(stage.service)) >= 2
    with stage.running(stage.consumer()):
        wait_until(lambda: stage.depth(topology.events_queue(stage.service)) == 0)
        wait_until(lambda: stage.effects() == 1)
    assert stage.effects() == 1


def test_relay_goes_on_after_its_database_connection_was_cut(stage):
    stage.declare()
    with stage.running(stage.relay()):
        stage.record(1)
        wait_until(lambda: stage.unpublished() == 0)
        # Of this test's database alone: others run beside it on the same server.
        stage.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE '%.relay' AND datname = current_database()"
        )
        stage.record(2)
        wait_until(lambda: stage.unpublished() == 0)
    stage.arrived(2)


@pytest.fixture
def flight(stage):
    """A relay and the events that are due, as it holds them between sending a batch and writing down its outcome."""
    stage.declare()
    for record in range(1, 4):
        stage.record(record)
    relay = stage.relay()
    with psycopg.connect(stage.home.relay_url, autocommit=True) as connection:
        database = Writer(connection)
        rows = relay._due(database, ())
        assert len(rows) == 3
        yield relay, database, rows


def test_events_whose_connection_was_lost_are_not_postponed(stage, flight):
    relay, database, rows = flight
    with closing(Publisher("amqp://guest:guest@127.0.0.1:1/", name="test")) as publisher:
        relay._settle(database, publisher, rows, publisher.send([_message(row) for row in rows]))
    now = "SELECT count(*) FROM outbox_pending WHERE attempts = 0 AND last_error IS NULL AND next_attempt_at <= now()"
    assert stage.sql(now) == [(3,)]
    with stage.running(relay):
        wait_until(lambda: stage.unpublished() == 0)
    stage.arrived(3)


def test_a_batch_that_is_never_answered_gives_its_connection_up(stage, flight, monkeypatch):
    relay, database, rows = flight
    monkeypatch.setattr("chassis.broker.relay.CONFIRM_TIMEOUT", 0.1)
    with closing(Publisher(stage.broker_url, name="test")) as publisher:
        assert publisher.wait_ready(5)
        first = publisher._generation
        relay._settle(database, publisher, rows, Batch([_message(row) for row in rows]))
        wait_until(lambda: publisher._generation > first)
        assert publisher.wait_ready(5)
    assert stage.unpublished() == 3
