"""What comes over RabbitMQ has one effect, however often and in whatever order it comes."""

import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event as Flag
from uuid import uuid4

import orjson
import psycopg
import pytest

from chassis import events
from chassis.broker import topology
from chassis.broker.amqp import Publisher
from chassis.broker.consumer import Consumer
from chassis.broker.messages import Message, Outcome
from chassis.broker.retries import RetryDelay, RetrySchedule
from chassis.context import Context
from chassis.events import EventType
from chassis.owners import OWNERS
from chassis.testing.waiting import wait_until
from sample.commands.transfers import TRANSFERS
from sample.handlers import SUBSCRIPTIONS, purge_authors

SHORT = RetrySchedule(delays=(RetryDelay("short", timedelta(milliseconds=50)),), steps=(0,) * 8)
TABLES = {"author": "authors", "user_company": "user_companies"}


@pytest.fixture
def queue(broker_url, monkeypatch):
    """The queue of the service, under a name of the test's own; somebody owns authors."""
    monkeypatch.setitem(OWNERS, "author", "authors")
    name = f"t{uuid4().hex[:8]}"
    topology.declare(broker_url, name, SUBSCRIPTIONS, retries=SHORT)
    return name


@pytest.fixture
def body(company_id):
    """An event as its owner sends it."""

    def build(entity, action, version, number=3, **document):
        document = {"id": number, "company_id": company_id, "version": version, **document}
        gone = action == "purged"
        return events.encode(
            EventType(entity, action, TABLES[entity]),
            source=OWNERS[entity],
            event_id=events.new_id(),
            occurred_at=datetime.now(UTC),
            record_id=number,
            aggregate_version=version,
            context=Context(company_id=company_id, request_id="the-request"),
            before=orjson.dumps(document) if gone else None,
            after=None if gone else orjson.dumps(document),
            changed=(),
        )

    return build


@pytest.fixture
def author(body):
    """An event of an author, the third of them where nothing is said."""
    return lambda action, version, number=3: body(
        "author", action, version, number, name=f"V{version}", archived_at=None
    )


@pytest.fixture
def deactivated(body):
    """The event that the user 9 was deactivated, and that 8 gets their books."""
    user = {"first_name": "Bob", "last_name": "Jones", "email": "bob@x.example", "is_active": True}
    plan = {"books": {"to": 8}}
    return lambda: body(
        "user_company", "deactivated", 2, 9, user_id=9, user=user, status="deactivated", transfer_plan=plan
    )


@pytest.fixture
def publish(broker_url, queue):
    def send(*bodies):
        messages = []
        for body in bodies:
            event = events.decode(body)
            key = f"{event.company_id}.{event.type.removeprefix('crm.')}"
            messages.append(Message(topology.EXCHANGE, key, body, events.new_id(), headers={}))
        with closing(Publisher(broker_url, name="test")) as publisher:
            assert publisher.wait_ready(5)
            assert set(publisher.publish_batch(messages, 10)) == {Outcome.CONFIRMED}

    return send


@pytest.fixture
def consuming(broker_url, queue, database):
    """Consume until nothing is left that the block has published, and end then."""

    @contextmanager
    def run():
        stop = Flag()
        part = Consumer(
            effects=database,
            notes=database,
            broker_url=broker_url,
            service=queue,
            subscriptions=SUBSCRIPTIONS,
            retries=SHORT,
        )
        thread = threading.Thread(target=part.run, args=(stop, lambda: None))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(20)
        assert not thread.is_alive()

    return run


@pytest.fixture
def rows(superuser, company_id):
    return lambda query: superuser.execute(query, (company_id,)).fetchall()


@pytest.fixture
def taken(superuser, queue):
    """How many events the consumer has noted as taken."""
    return lambda: superuser.execute("SELECT count(*) FROM inbox WHERE consumer = %s", (queue,)).fetchone()[0]


AUTHORS = "SELECT author_id, version, name FROM author_refs WHERE company_id = %s"
STARTED = "SELECT count(*) FROM outbox WHERE company_id = %s AND type = 'crm.book_transfer.started.v1'"


def test_an_event_that_comes_again_and_again_has_one_effect(
    *, publish, consuming, deactivated, known, fill, database, rows, taken
):
    known(7, 8, 9)
    fill(3, assigned_to="9")
    event = deactivated()
    with consuming():
        publish(event, event)
        wait_until(taken, so=lambda count: count == 1)
    TRANSFERS.work(database, Flag())
    # The next process gets it once more, after all was done.
    with consuming():
        publish(event)
        publish(deactivated())
        wait_until(taken, so=lambda count: count == 2)
    TRANSFERS.work(database, Flag())
    moved = "SELECT assigned_to, version FROM books WHERE company_id = %s"
    assert rows(moved) == [(8, 2)] * 3
    assert rows(STARTED) == [(2,)]


# By the author: what is told of them, in the order in which it comes, and what is to be kept then.
ORDERS = {
    1: ("created 1, updated 2, updated 3", (3, "V3")),
    2: ("updated 3, created 1, updated 2", (3, "V3")),
    3: ("updated 2, purged 3, created 1", None),
    4: ("purged 3, updated 2, created 1", None),
}


def test_whatever_order_events_come_in_what_is_kept_is_the_newest_state(
    *, publish, consuming, author, rows, taken, database
):
    with consuming():
        for turn in range(3):
            steps = {number: steps.split(", ")[turn].split() for number, (steps, _) in ORDERS.items()}
            publish(*(author(action, int(version), number) for number, (action, version) in steps.items()))
            told = len(ORDERS) * (turn + 1)
            wait_until(taken, so=lambda count, told=told: count == told)
    purge_authors(database, Flag())
    kept = {number: kept for number, (_, kept) in ORDERS.items() if kept is not None}
    assert {number: tuple(row) for number, *row in rows(AUTHORS)} == kept


def test_what_fails_for_a_while_takes_effect_afterwards_once(
    *, publish, consuming, deactivated, known, rows, taken, monkeypatch
):
    """The reference was written when the second half of the handler failed: it is rolled back, and done anew."""
    known(7, 8, 9)
    start, tries = TRANSFERS.start, []

    def failing(session, event):
        start(session, event)
        tries.append(event.id)
        if len(tries) < 3:
            raise psycopg.errors.SerializationFailure("somebody else was first")

    monkeypatch.setattr(TRANSFERS, "start", failing)
    with consuming():
        publish(deactivated())
        wait_until(taken, so=lambda count: count == 1)
    assert len(tries) == 3
    assert rows(STARTED) == [(1,)]
    assert rows("SELECT is_active FROM user_refs WHERE company_id = %s AND user_id = 9") == [(False,)]
