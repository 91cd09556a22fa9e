"""Conversions that are waited for."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from chassis.testing.fixtures import Client
from chassis.testing.waiting import wait_until

SCOPE = "leads:read leads:write leads:purge deals:read deals:write customers:read customers:write pipelines:write"
STARTED = "crm.conversion.started.v1"
# Who waits with a transaction open.
IDLE = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in transaction%'"


@pytest.fixture
def waiting(converting, tokens, company_id):
    """Convert with a wait, while something else happens to it."""

    def convert(lead, wait, meanwhile=lambda: None):
        client = Client(converting.test_client(), tokens.sign(company_id=company_id, sub="7", scope=SCOPE))
        began = time.monotonic()
        with ThreadPoolExecutor(1) as pool:
            headers = {"Prefer": wait}
            path = f"/v1/leads/{lead['id']}/convert"
            answer = pool.submit(lambda: client.request("POST", path, json={}, headers=headers))
            meanwhile()
            return answer.result(20), time.monotonic() - began

    return convert


def test_a_conversion_is_waited_for_as_long_as_the_client_likes(saga, waiting):
    def go_on():
        wait_until(lambda: saga.told("pipeline", STARTED), 5)
        assert saga.superusers["pipeline"].execute(IDLE).fetchone()[0] == 0
        saga.run()

    answer, _ = waiting(saga.lead(), "respond-async, wait=5", go_on)
    assert (answer.status_code, answer.json["state"]) == (201, "completed")
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert answer.headers["Location"] == f"/v1/conversions/{answer.json['id']}"
    assert answer.headers["ETag"] == '"2"'


def test_what_is_not_finished_by_then_is_under_way(saga, waiting):
    answer, seconds = waiting(saga.lead(), "wait=1")
    assert (answer.status_code, answer.json["state"]) == (202, "converting")
    assert answer.headers["Preference-Applied"] == "wait=1"
    assert seconds >= 1
    answer, seconds = waiting(saga.lead(), "wait=soon")
    assert "Preference-Applied" not in answer.headers
    assert answer.status_code == 202
