"""The worker as a process: it stops when told, dies when a part dies, and survives a message that kills it."""

import os
import signal
import socket
import urllib.error
import urllib.request

import pytest

from chassis import events
from chassis.broker import topology
from chassis.testing.waiting import wait_until

PROGRAM = """
import os
from types import SimpleNamespace
from sqlalchemy import text
from chassis.broker import worker
from chassis.broker.subscriptions import Subscriptions
from chassis.config import Settings
from chassis.db.statements import Prepared
from chassis.db.tables import CHASSIS

EFFECT = Prepared(text("INSERT INTO effects (event_id, record_id) VALUES (CAST(:id AS uuid), :record)"))

def handler(session, event):
    if event.record_id == 666:
        os._exit(9)
    session.run(EFFECT, id=event.id, record=event.record_id)

subscriptions = Subscriptions(bindings=(os.environ["BINDING"],), handlers={"crm.customer.updated.v1": handler})
service = SimpleNamespace(
    name=os.environ["SERVICE"], subscriptions=subscriptions, schedules=(), metadata=CHASSIS, purge_steps=()
)
worker.run(service, Settings.from_environment(), relay=True, consumer=True, schedules=True)
"""


@pytest.fixture
def start(stage, unused_port, programs):
    """Start the worker as a process; it is killed with the test."""
    running = []

    def begin(**changes):
        environment = os.environ | {
            "SERVICE": stage.service,
            "BINDING": f"{stage.company}.#",
            "DATABASE_URL": stage.home.app_url,
            "RELAY_DATABASE_URL": stage.home.relay_url,
            "BROKER_URL": stage.broker_url,
            "METRICS_BIND": f"127.0.0.1:{unused_port}",
            **changes,
        }
        process = programs.start("-c", PROGRAM, environment=environment, silent=True)
        running.append(process)
        return process

    yield begin
    for process in running:
        process.end()


@pytest.fixture
def unused_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_a_message_that_kills_the_process_becomes_a_dead_letter_and_its_neighbours_do_not(stage, start):
    topology.declare(stage.broker_url, stage.service, stage.subscriptions())
    poison = events.new_id()
    bodies = [stage.body(record) for record in range(1, 101)]
    stage.publish(*bodies[:50], stage.body(666, event_id=poison), *bodies[50:])
    deaths = 0
    while not stage.failed():
        process = start()
        wait_until(lambda process=process: process.poll() is not None or stage.failed(), 20)
        deaths += process.poll() == 9
    wait_until(lambda: stage.effects() == 100)
    assert deaths == 5  # Once in its batch and four times alone.
    assert [row[1] for row in stage.failed()] == [poison]


def test_sigterm_ends_the_worker_with_success_and_it_answers_until_then(stage, start, unused_port):
    topology.declare(stage.broker_url, stage.service, stage.subscriptions())
    process = start()
    stage.record(1)
    wait_until(lambda: stage.effects() == 1)
    for path in ("livez", "readyz"):
        with urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/{path}", timeout=5) as answer:
            assert answer.status == 200
    with urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/metrics", timeout=5) as answer:
        assert b"crm_relay_published_total 1.0" in answer.read()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0


def test_a_worker_that_waits_for_its_broker_is_alive_and_not_ready(stage, start, unused_port):
    start(BROKER_URL="amqp://nobody@127.0.0.1:1/")

    def answers(path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/{path}", timeout=5) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except urllib.error.URLError:
            return None  # It has not begun to listen.

    wait_until(lambda: answers("livez") == (200, b"alive"), 20)
    assert answers("readyz") == (503, b"consumer waits for the broker")


def test_a_part_that_dies_ends_the_process_with_an_error(stage, start):
    topology.declare(stage.broker_url, stage.service, None)  # The consumer's queue is missing.
    assert start().wait(15) == 1
