"""Leads are converted while processes are killed, between each two steps: one customer, one deal, one converted lead."""

import random
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
import pytest
import requests

from chassis.broker.relay import LOCK
from chassis.testing.waiting import wait_until

# One stack serves all tests that need a whole one.
pytestmark = [pytest.mark.xdist_group("stack"), pytest.mark.usefixtures("whole_again")]
FORMS = [pytest.param(1, id="short"), pytest.param(12, id="long", marks=pytest.mark.long)]
PROGRAMS = ("pipeline-web-1", "pipeline-worker-1", "customers-web-1", "customers-worker-1")
STARTED, SUCCEEDED = "crm.conversion.started.v1", "crm.conversion_result.succeeded.v1"
COMPLETED = "crm.conversion.completed.v1"
PATIENCE = 60
# What there is of a company's conversions, in each database.
MADE = {
    "pipeline": (
        "SELECT (SELECT count(*) FROM deals WHERE company_id = %(of)s),"
        " (SELECT count(*) FROM leads WHERE company_id = %(of)s AND status = 'converted'),"
        " (SELECT count(DISTINCT converted_customer_id) FROM leads WHERE company_id = %(of)s),"
        " (SELECT count(*) FROM conversions WHERE company_id = %(of)s AND state = 'completed')"
    ),
    "customers": (
        "SELECT (SELECT count(*) FROM customers WHERE company_id = %(of)s),"
        " (SELECT count(*) FROM conversion_results WHERE company_id = %(of)s)"
    ),
    "audit": (
        "SELECT count(*) FILTER (WHERE event_type = 'crm.conversion.completed.v1'),"
        " count(*) FILTER (WHERE event_type = 'crm.lead.converted.v1'),"
        " count(*) FILTER (WHERE event_type = 'crm.deal.created.v1'),"
        " count(*) FILTER (WHERE event_type = 'crm.customer.created.v1') FROM audit_logs WHERE company_id = %(of)s"
    ),
}


@dataclass
class Conversions:
    """The leads of one company on a whole system whose processes are stopped and killed."""

    stack: object
    company_id: int
    token: str

    def ask(self, method, path, body=None, key=None):
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        return requests.request(method, f"{self.stack.gateway_url}/v1{path}", json=body, headers=headers, timeout=20)

    def lead(self):
        name = f"Ada {uuid.uuid4()}"
        body = {"lead_name": name, "estimated_value": "500.00"}
        return wait_until(lambda: self.tried("POST", "/leads", body, name), PATIENCE).json()["id"]

    def tried(self, method, path, body, key):
        """An answer with success; None for one that a careful client asks for again, with the same key."""
        with suppress(requests.RequestException):
            answer = self.ask(method, path, body, key)
            if answer.status_code in (201, 202):
                return answer
            repeated = answer.status_code in (429, 502, 503, 504)
            assert repeated or answer.json()["code"] in ("idempotency_key_in_use", "record_busy"), answer.text
        return None

    def convert(self, lead_id):
        key = f"convert {lead_id}"
        return wait_until(lambda: self.tried("POST", f"/leads/{lead_id}/convert", {}, key), 2 * PATIENCE).json()["id"]

    def one(self, service, query):
        with psycopg.connect(self.stack.database_url(service, "superuser")) as connection:
            return connection.execute(query, {"of": self.company_id}).fetchone()

    def published(self, service, event_type):
        query = """
            SELECT count(*) FROM outbox WHERE company_id = %(of)s AND type = '{}'
            AND id NOT IN (SELECT id FROM outbox_pending)
        """
        return self.one(service, query.format(event_type))[0]

    def received(self, service, event_id):
        with psycopg.connect(self.stack.database_url(service, "superuser")) as connection:
            return connection.execute("SELECT FROM inbox WHERE event_id = %s", (event_id,)).fetchone() is not None

    def written(self):
        return self.one("customers", "SELECT count(*) FROM conversion_results WHERE company_id = %(of)s")[0]

    def completed(self):
        return self.one("pipeline", MADE["pipeline"])[3]

    def kill(self, program):
        """Kill a process that is there; its supervisor starts another."""
        wait_until(lambda: self.is_up(program), PATIENCE)
        before = self.stack.kill_program(program)
        wait_until(lambda: self.stack.statuses()[program].pid not in (0, before), PATIENCE)

    def is_up(self, program):
        status = self.stack.statuses().get(program)
        return status is not None and status.state == "RUNNING" and status.pid

    @contextmanager
    def untold(self, service):
        """Let nothing leave the outbox of a service; everything else of it goes on, in a process that is new."""
        with psycopg.connect(self.stack.database_url(service, "superuser"), autocommit=True) as connection:
            self.stack.kill_program(f"{service}-worker-1")
            connection.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
            yield

    @contextmanager
    def stopped(self, *programs):
        for program in programs:
            self.stack.stop_program(program)
        try:
            yield
        finally:
            for program in programs:
                self.stack.start_program(program)

    def settle(self, count):
        """Wait for as many conversions as were begun, and for their events; each is there exactly once."""
        expected = {"pipeline": (count,) * 4, "customers": (count,) * 2, "audit": (count,) * 4}
        wait_until(self.made, 90, so=lambda made: made == expected)

    def made(self):
        return {service: self.one(service, query) for service, query in MADE.items()}


@pytest.fixture
def company(stack, register):
    """A company of its own, with a stack whose processes are all there at the end."""

    def make():
        _, registered = register(f"{stack.gateway_url}/v1")
        return Conversions(stack, registered["company"]["id"], registered["access_token"])

    yield make
    for program in PROGRAMS:
        wait_until(lambda program=program: stack.statuses()[program].state == "RUNNING", PATIENCE)


def begun_and_not_told(saga, lead):
    with saga.untold("pipeline"):
        saga.convert(lead)
        saga.kill("pipeline-web-1")
        saga.kill("pipeline-worker-1")
        assert saga.published("pipeline", STARTED) == 0


def told_and_not_heard(saga, lead):
    with saga.stopped("customers-worker-1"):
        saga.convert(lead)
        wait_until(lambda: saga.published("pipeline", STARTED), PATIENCE)
        saga.kill("pipeline-worker-1")
        assert saga.written() == 0


def written_and_not_told(saga, lead):
    with saga.untold("customers"):
        saga.convert(lead)
        wait_until(saga.written, PATIENCE)
        saga.kill("customers-worker-1")
        assert saga.published("customers", SUCCEEDED) == 0


def answered_and_not_heard(saga, lead):
    with saga.untold("customers"):
        saga.convert(lead)
        wait_until(saga.written, PATIENCE)
        saga.stack.stop_program("pipeline-worker-1")
    wait_until(lambda: saga.published("customers", SUCCEEDED), PATIENCE)
    saga.kill("customers-worker-1")
    assert saga.completed() == 0
    saga.stack.start_program("pipeline-worker-1")


def finished_and_not_told(saga, lead):
    with saga.untold("customers"):
        saga.convert(lead)
        wait_until(saga.written, PATIENCE)
        telling = saga.untold("pipeline")
        telling.__enter__()
    wait_until(saga.completed, PATIENCE)
    saga.kill("pipeline-worker-1")
    assert saga.published("pipeline", COMPLETED) == 0
    telling.__exit__(None, None, None)


@pytest.mark.parametrize("times", FORMS)
@pytest.mark.parametrize(
    "between",
    [
        begun_and_not_told,
        told_and_not_heard,
        written_and_not_told,
        answered_and_not_heard,
        finished_and_not_told,
    ],
)
def test_a_process_killed_between_two_steps_leaves_one_of_each(company, between, times):
    for _ in range(times):
        saga = company()
        between(saga, saga.lead())
        saga.settle(1)


def test_customers_that_is_away_for_the_whole_of_its_step_is_waited_for(company):
    saga = company()
    with saga.stopped("customers-worker-1"):
        lead = saga.lead()
        saga.convert(lead)
        saga.stack.stop_program("customers-web-1")
        wait_until(lambda: saga.published("pipeline", STARTED), PATIENCE)
        assert saga.ask("PATCH", f"/leads/{lead}", {"notes": "x"}).status_code == 428
        assert saga.ask("POST", f"/leads/{lead}/lose", {}).json()["code"] == "lead_converting"
        other = saga.lead()
        assert saga.ask("POST", f"/leads/{other}/convert", {}).json()["code"] == "reference_unavailable"
        assert (saga.written(), saga.completed()) == (0, 0)
    saga.stack.start_program("customers-web-1")
    saga.settle(1)


def test_events_that_come_again_and_late_change_nothing(company):
    saga = company()
    saga.convert(saga.lead())
    saga.settle(1)
    ids = {}
    for service in ("pipeline", "customers"):
        with psycopg.connect(saga.stack.database_url(service, "superuser")) as connection:
            given = {"of": saga.company_id, "types": [STARTED, SUCCEEDED]}
            query = "SELECT event_id FROM outbox WHERE company_id = %(of)s AND type = ANY (%(types)s)"
            [ids[service]] = connection.execute(query, given).fetchone()
    for forgotten in (False, True):
        for source, target in (("pipeline", "customers"), ("customers", "pipeline")):
            # The second time it is as if the inbox had been emptied since: so late does the event come.
            with psycopg.connect(saga.stack.database_url(target, "superuser"), autocommit=True) as connection:
                if forgotten:
                    connection.execute("DELETE FROM inbox WHERE event_id = %s", (ids[source],))
            with psycopg.connect(saga.stack.database_url(source, "superuser"), autocommit=True) as connection:
                connection.execute(
                    "INSERT INTO outbox_pending (id, aggregate_type, aggregate_id)"
                    " SELECT id, aggregate_type, aggregate_id FROM outbox WHERE event_id = %s",
                    (ids[source],),
                )
            wait_until(
                lambda source=source: saga.published(source, STARTED if source == "pipeline" else SUCCEEDED), PATIENCE
            )
            if forgotten:
                wait_until(lambda target=target, source=source: saga.received(target, ids[source]), PATIENCE)
    assert saga.completed() == 1
    saga.settle(1)


def test_of_twenty_requests_at_once_one_converts(company):
    saga = company()
    lead = saga.lead()
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: saga.ask("POST", f"/leads/{lead}/convert", {}), range(20)))
    assert [answer.status_code for answer in answers].count(202) == 1, [answer.text for answer in answers]
    codes = {answer.json().get("code") for answer in answers if answer.status_code != 202}
    assert codes <= {"lead_converting", "lead_converted", "record_busy", "possible_duplicate"}
    saga.settle(1)


@pytest.mark.parametrize("kills", [pytest.param(4, id="short"), pytest.param(60, id="long", marks=pytest.mark.long)])
def test_whatever_is_killed_meanwhile_each_lead_becomes_one_of_each(company, kills):
    saga, count = company(), 3 * kills
    moments = random.Random(4)
    with ThreadPoolExecutor(4) as pool:
        running = [pool.submit(lambda: saga.convert(saga.lead())) for _ in range(count)]
        for _ in range(kills):
            time.sleep(moments.uniform(0.1, 1.2))
            saga.kill(moments.choice(PROGRAMS))
        assert len({future.result() for future in running}) == count
    saga.settle(count)
