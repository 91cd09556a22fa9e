"""A user whom no event has told of yet: the customers service asks identity, both of them real, over real HTTP."""

import socket
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.service_client import ANSWER_SECONDS
from chassis.testing.fixtures import Client
from customers.models import USERS

ME = 10**9


@pytest.fixture(scope="module")
def customers_at(application_of, service_key):
    """The customers service, told that identity is at a URL."""

    @cache
    def build(url, **changes):
        return application_of("customers", service_urls=f"identity={url}", service_key=service_key, **changes)

    return build


@pytest.fixture
def client_at(customers_at, tokens, company_id):
    def build(url, of_company=company_id, **changes):
        token = tokens.sign(company_id=of_company, sub=str(ME), scope="customers:read customers:write")
        return Client(customers_at(url, **changes).test_client(), token)

    return build


@pytest.fixture
def client(client_at, identity):
    return client_at(identity.url)


@pytest.fixture
def written(superuser, company_id):
    """How many customers and events the test's company has."""

    def count():
        query = "SELECT (SELECT count(*) FROM {}), (SELECT count(*) FROM {})"
        tables = (f"{table} WHERE company_id = {company_id}" for table in ("customers", "outbox"))
        return superuser.execute(query.format(*tables)).fetchone()

    return count


def create(client, user_id, **more):
    return client.post("/v1/customers", json={"name": f"Customer {uuid.uuid4()}", "assigned_to": user_id}, **more)


def refusal(answer):
    return answer.status_code, answer.json["code"]


def test_a_user_who_joined_a_moment_ago_is_assigned_to_and_is_asked_for_once(
    *, client, hire, identity, kept, written, company_id
):
    bob = hire(company_id)
    answer = create(client, bob)
    assert (answer.status_code, answer.json["assigned_to"]) == (201, bob)
    assert kept(bob) == ("Bob Jones", True, 3)
    assert create(client, bob).status_code == 201
    assert client.patch(f"/v1/customers/{answer.json['id']}", json={"assigned_to": None}, version=1).status_code == 200
    assert client.patch(f"/v1/customers/{answer.json['id']}", json={"assigned_to": bob}, version=2).status_code == 200
    assert identity.asked == [f"/internal/members/{company_id}"]
    assert written() == (2, 4)


def test_whom_one_knows_costs_no_question_and_neither_does_oneself(
    *, client, hire, identity, database_of, company_id, membership
):
    bob = hire(company_id)
    with acting_as(Context(company_id=company_id)), database_of("customers").transaction() as session:
        USERS.save(session, membership(bob, 1, 1, "Bob B"))
    first = create(client, bob)
    assert first.status_code == 201
    assert client.post(f"/v1/customers/{first.json['id']}/assign", json={"assigned_to": ME}).status_code == 200
    assert create(client, ME).status_code == 201
    assert create(client, None).status_code == 201
    assert identity.asked == []


def test_whom_identity_does_not_know_here_is_refused_and_not_asked_for_twice(
    *, client, hire, identity, kept, written, company_id
):
    hire(company_id)
    answer = create(client, 2**62)
    assert refusal(answer) == (422, "unknown_user")
    assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [
        ("/assigned_to", "unknown_reference")
    ]
    assert len(identity.asked) == 1
    assert (kept(2**62), written()) == (None, (0, 0))


def test_a_user_of_another_company_cannot_be_pulled_in(client, hire, identity, kept, company_id):
    stranger = hire(company_id + 10**12)
    assert refusal(create(client, stranger)) == (422, "unknown_user")
    assert len(identity.asked) == 1
    assert kept(stranger) is None
    assert kept(stranger, company_id + 10**12) is None


@pytest.mark.parametrize("status", ["suspended", "deactivated"])
def test_who_is_not_active_is_known_from_then_on_and_refused(
    *, client, hire, identity, kept, written, company_id, status
):
    bob = hire(company_id, status=status)
    for _ in range(2):
        assert refusal(create(client, bob)) == (422, "inactive_user")
    assert (kept(bob), written(), len(identity.asked)) == (("Bob Jones", False, 3), (0, 0), 1)


def test_an_event_that_comes_while_identity_answers_is_not_overwritten(
    *, membership, client, hire, identity, kept, database_of, company_id
):
    bob = hire(company_id)
    database = database_of("customers")

    def suspend():
        with acting_as(Context(company_id=company_id)), database.transaction() as session:
            USERS.save(session, membership(bob, 2**40, 4, "Newer Bob", is_active=False))

    identity.meanwhile = suspend
    assert refusal(create(client, bob)) == (422, "inactive_user")
    assert kept(bob) == ("Newer Bob", False, 4)


def test_no_transaction_is_open_while_identity_is_asked(client, hire, identity, superuser, company_id):
    """Neither with a key, which is claimed in the transaction, nor behind the lock of a customer or a savepoint."""
    seen = []
    database = superuser.info.dbname

    def look():
        query = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"
        with psycopg.connect(superuser.info.dsn, password=superuser.info.password) as connection:
            seen.append(connection.execute(query, (database,)).fetchone()[0])

    identity.meanwhile = look
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = create(client, hire(company_id), headers=key)
    path = f"/v1/customers/{first.json['id']}"
    assert client.post(f"{path}/assign", json={"assigned_to": hire(company_id)}).status_code == 200
    assert client.patch(path, json={"assigned_to": hire(company_id)}, version=2).status_code == 200
    answer = client.post("/v1/customers/assign", json={"ids": [first.json["id"]], "assigned_to": hire(company_id)})
    assert answer.json["succeeded"] == 1
    assert seen == [0, 0, 0, 0]


def test_a_key_makes_one_customer_although_the_request_is_run_twice(client, hire, written, company_id):
    body = {"name": "Ada", "assigned_to": hire(company_id)}
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (client.post("/v1/customers", json=body, headers=headers) for _ in range(2))
    assert (first.status_code, second.status_code, first.json) == (201, 201, second.json)
    assert "Idempotent-Replayed" not in first.headers
    assert (second.headers["Idempotent-Replayed"], written()) == ("true", (1, 1))


def test_a_batch_asks_once_for_all_that_it_misses_and_refuses_the_rest_one_by_one(
    client, hire, identity, written, company_id
):
    users = [hire(company_id), 2**62, hire(company_id), hire(company_id, status="suspended")]
    items = [{"action": "create", "values": {"name": str(user), "assigned_to": user}} for user in users]
    answer = client.post("/v1/customers/batch", json={"items": items})
    results = [(result["status"], result.get("problem", {}).get("code")) for result in answer.json["results"]]
    assert results == [(201, None), (422, "unknown_user"), (201, None), (422, "inactive_user")]
    assert (len(identity.asked), written()) == (1, (2, 2))


def test_many_requests_for_one_new_user_at_once_all_succeed(
    *, identity, hire, customers_at, tokens, written, company_id
):
    bob = hire(company_id)
    application = customers_at(identity.url)
    token = tokens.sign(company_id=company_id, sub=str(ME), scope="customers:write")
    gate = threading.Barrier(4)

    def post(_):
        gate.wait(10)
        return create(Client(application.test_client(), token), bob).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(post, range(4))) == [201] * 4
    assert 1 <= len(identity.asked) <= 4
    assert written() == (4, 4)


def test_while_identity_is_down_only_what_needs_it_is_refused_and_at_once(
    *, client_at, written, database_of, company_id, membership
):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    client = client_at(url)
    began = time.monotonic()
    for _ in range(50):
        answer = create(client, 5)
        assert (*refusal(answer), answer.headers["Retry-After"]) == (503, "reference_unavailable", "2")
    assert time.monotonic() - began < 5
    assert written() == (0, 0)
    assert create(client, None).status_code == 201
    with acting_as(Context(company_id=company_id)), database_of("customers").transaction() as session:
        USERS.save(session, membership(5, 1, 1, "Number Five"))
    assert create(client, 5).status_code == 201


def test_an_identity_that_hangs_costs_one_request_a_second_and_the_next_nothing(client_at, written):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = client_at(f"http://127.0.0.1:{silent.getsockname()[1]}", patience=ANSWER_SECONDS)
        spent = []
        for _ in range(3):
            began = time.monotonic()
            assert refusal(create(client, 5)) == (503, "reference_unavailable")
            spent.append(time.monotonic() - began)
    assert spent[0] < 1.5
    assert max(spent[1:]) < 0.2
    assert written() == (0, 0)


def test_a_wrong_key_is_a_failure_and_no_verdict_on_the_user(
    *, application_of, tokens, identity, hire, written, company_id
):
    bob = hire(company_id)
    application = application_of("customers", service_urls=f"identity={identity.url}", service_key="w" * 32)
    client = Client(application.test_client(), tokens.sign(company_id=company_id, sub=str(ME), scope="customers:write"))
    assert refusal(create(client, bob)) == (503, "reference_unavailable")
    assert written() == (0, 0)
