"""`crm resync customers` on a whole stack: what was damaged is as identity knows it, while everything runs."""

import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest
import requests

from chassis.testing.waiting import wait_until
from crm.environment import withheld
from crm.settings import SERVICES, WORKER

pytestmark = pytest.mark.xdist_group("stack")
MEMBERS = 450


def resync(stack):
    crm = str(Path(sys.executable).with_name("crm"))
    command = [crm, "--home", str(stack.home), "resync", "customers"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


@pytest.fixture
def customers(stack):
    with psycopg.connect(stack.database_url("customers", "superuser"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def company(stack, register, customers):
    """A company whose founder the customers service has heard of, and many members whom no event tells of."""
    _, registered = register(f"{stack.gateway_url}/v1")
    company_id = registered["company"]["id"]
    founder = "SELECT 1 FROM user_refs WHERE company_id = %s"
    wait_until(lambda: customers.execute(founder, (company_id,)).fetchone())
    # What other tests have done behind the services' backs is none of this one's changes.
    resync(stack)
    with psycopg.connect(stack.database_url("identity", "superuser"), autocommit=True) as connection:
        connection.execute(
            "WITH people AS (INSERT INTO users (email, password_hash, first_name, last_name)"
            " SELECT %s || n || '@many.example', 'x', 'Member', n::text FROM generate_series(1, %s) n RETURNING id)"
            " INSERT INTO user_companies (company_id, user_id, role) SELECT %s, id, 'user' FROM people",
            (uuid.uuid4().hex, MEMBERS, company_id),
        )
    return registered


def test_a_resync_makes_the_references_what_identity_knows(stack, company, customers):
    company_id, founder = company["company"]["id"], company["user"]["id"]
    customers.execute("UPDATE user_refs SET name = 'Stale', version = 0 WHERE company_id = %s", (company_id,))
    customers.execute(
        "INSERT INTO user_refs (company_id, user_id, version, membership_id, name) VALUES (%s, %s, 1, 1, 'Extra')",
        (company_id, 10**15),
    )
    customers.execute("DELETE FROM company_refs WHERE company_id = %s", (company_id,))
    last = resync(stack)
    assert f"{MEMBERS + 1} changed, 1 deactivated" in last, last
    query = "SELECT count(*) FILTER (WHERE is_active), count(*) FROM user_refs WHERE company_id = %s"
    assert customers.execute(query, (company_id,)).fetchone() == (MEMBERS + 1, MEMBERS + 2)
    name = customers.execute("SELECT name FROM user_refs WHERE user_id = %s", (founder,)).fetchone()
    assert name == ("Ada Lovelace",)
    assert customers.execute("SELECT version FROM company_refs WHERE company_id = %s", (company_id,)).fetchone() == (1,)
    assert " 0 changed, 0 deactivated" in resync(stack)


def test_a_member_whom_no_event_told_of_is_assigned_to_through_the_gateway(stack, company, customers):
    company_id = company["company"]["id"]
    with psycopg.connect(stack.database_url("identity", "superuser")) as connection:
        query = "SELECT max(user_id) FROM user_companies WHERE company_id = %s"
        member = connection.execute(query, (company_id,)).fetchone()[0]
    assert customers.execute("SELECT 1 FROM user_refs WHERE user_id = %s", (member,)).fetchone() is None
    headers = {"Authorization": f"Bearer {company['access_token']}"}
    body = {"name": "Ada", "assigned_to": member}
    answer = requests.post(f"{stack.gateway_url}/v1/customers", json=body, headers=headers, timeout=10)
    assert (answer.status_code, answer.json()["assigned_to"]) == (201, member)
    stranger = requests.post(
        f"{stack.gateway_url}/v1/customers", json=body | {"assigned_to": 10**17}, headers=headers, timeout=10
    )
    assert (stranger.status_code, stranger.json()["code"]) == (422, "unknown_user")


@pytest.mark.parametrize("path", ["/internal/companies", "/internal/members/1", "/v1/internal/members/1"])
def test_no_gateway_leads_to_what_services_ask(stack, path):
    key = stack.environment("identity")["SERVICE_KEY"]
    answer = requests.get(stack.gateway_url + path, headers={"Authorization": f"Bearer {key}"}, timeout=10)
    assert answer.status_code in {401, 404}
    assert "data" not in answer.json()


def test_only_those_who_ask_and_are_asked_have_the_key(stack):
    # Audit is asked, by identity alone and by its web process alone, and asks nobody.
    assert {service for service in SERVICES if "SERVICE_KEY" in stack.environment(service)} == {
        "identity",
        "customers",
        "pipeline",
        "tasks",
        "audit",
    }
    assert len({stack.environment(service)["SERVICE_KEY"] for service in SERVICES}) == 1
    assert "SERVICE_URLS" not in stack.environment("audit")
    assert "SERVICE_KEY" in withheld("audit", WORKER)
