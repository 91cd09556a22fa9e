"""Kill what can be killed, stop what can be stopped: every created customer is in the audit log exactly once.

F1, F5, F6, F9, F10 and F11 of the reliability study, in a short form for every run and a long one for `make test-faults`.
"""

import random
import signal
import time
import uuid
from contextlib import closing

import psycopg
import pytest
import requests

from chassis.broker.amqp import Publisher
from chassis.broker.messages import Message, Outcome
from chassis.broker.topology import EXCHANGE
from chassis.testing.waiting import wait_until

# One stack serves all tests that need a whole one.
pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.usefixtures("whole_again")]
FORMS = [pytest.param(3, id="short"), pytest.param(50, id="long", marks=pytest.mark.long)]
OUTAGES = [pytest.param(4, id="short"), pytest.param(60, id="long", marks=pytest.mark.long)]


def kill_again_and_again(stack, program, times, seed):
    """Kill `program` at random moments; the supervisor starts it again each time."""
    moments = random.Random(seed)
    for _ in range(times):
        time.sleep(moments.uniform(0.1, 1.2))
        before = stack.kill_program(program)
        wait_for_another(stack, program, before)


def wait_for_another(stack, program, before):
    def is_another():
        status = stack.statuses().get(program)
        return status is not None and status.state == "RUNNING" and status.pid not in (0, before)

    wait_until(is_another, 30, what=f"{program} to come back")


@pytest.mark.parametrize("times", FORMS)
def test_a_killed_relay_loses_nothing(stack, ledger, times):
    ledger.drive()
    kill_again_and_again(stack, "customers-worker-1", times, seed=1)
    ledger.rest()
    ledger.settle()
    assert set(ledger.statuses) == {201}


@pytest.mark.parametrize("times", FORMS)
def test_a_killed_consumer_has_each_effect_once(stack, ledger, times):
    ledger.drive()
    kill_again_and_again(stack, "audit-worker-1", times, seed=2)
    ledger.rest()
    ledger.settle()
    assert set(ledger.statuses) == {201}


@pytest.mark.parametrize("times", FORMS)
def test_a_killed_web_process_leaves_nothing_half_done(stack, ledger, times):
    ledger.drive()
    kill_again_and_again(stack, "customers-web-1", times, seed=3)
    ledger.rest()
    ledger.settle()


@pytest.mark.parametrize("seconds", OUTAGES)
def test_writes_go_on_while_the_broker_is_away(stack, ledger, seconds):
    stack.stop_program("rabbitmq")
    ledger.drive(threads=2, pause=0.05)
    time.sleep(seconds)
    readiness = [requests.get(f"{url}/readyz", timeout=5).status_code for url in stack.web_urls("customers")]
    ledger.rest()
    assert set(readiness) == {200}
    assert set(ledger.statuses) == {201}
    assert ledger.audit_counts() == {}
    stack.start_program("rabbitmq")
    ledger.settle()


@pytest.mark.parametrize("times", [pytest.param(1, id="short"), pytest.param(20, id="long", marks=pytest.mark.long)])
def test_a_killed_broker_loses_nothing_that_was_confirmed(stack, ledger, times):
    ledger.drive(threads=2, pause=0.02)
    for _ in range(times):
        time.sleep(1)
        before = stack.kill_program("rabbitmq")
        wait_for_another(stack, "rabbitmq", before)
        time.sleep(3)
    ledger.rest()
    ledger.settle(90)
    assert set(ledger.statuses) == {201}


def test_a_stopped_worker_finishes_what_it_holds(stack, ledger):
    ledger.drive()
    for program in ("customers-worker-1", "audit-worker-1"):
        time.sleep(0.3)
        before = stack.kill_program(program, signal.SIGTERM)
        wait_for_another(stack, program, before)
    ledger.rest()
    ledger.settle()


@pytest.mark.parametrize("times", [pytest.param(5, id="short"), pytest.param(500, id="long", marks=pytest.mark.long)])
def test_poison_among_good_events_is_set_aside_once_and_delays_nobody(stack, ledger, times):
    ledger.drive()
    key = f"{ledger.company_id}.customer.created.v1"
    poison = [b'{"specversion":"1.0","id":"%s"}' % str(uuid.uuid4()).encode() for _ in range(times)]
    with closing(Publisher(stack.broker_url(), name="poison")) as publisher:
        assert publisher.wait_ready(10)
        for body in poison:
            message = Message(EXCHANGE, key, body, str(uuid.uuid4()))
            assert publisher.publish_batch([message], 10) == [Outcome.CONFIRMED]
            time.sleep(0.01)
    ledger.rest()
    assert ledger.settle() < 10
    with psycopg.connect(stack.database_url("audit", "superuser")) as connection:
        rows = connection.execute("SELECT body, error FROM failed_messages WHERE routing_key = %s", (key,)).fetchall()
    assert sorted(bytes(body) for body, _ in rows) == sorted(poison)
    assert all(error for _, error in rows)
