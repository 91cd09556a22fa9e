"""Users as identity tells of them: whatever the order, and nobody inactive gets a customer."""

import threading
import uuid

import pytest

from chassis.context import Context, acting_as
from chassis.testing.events import hand_to, neighbours_event
from chassis.testing.fixtures import Client
from customers.commands.customers import create_customer
from customers.handlers import SUBSCRIPTIONS

BOB = 9


@pytest.fixture
def hear(database, company_id):
    """Have the consumer's handler take an event of identity's about Bob, in a transaction of its own."""

    def take(action, version, membership_id=1, **changes):
        document = {
            "user_id": BOB,
            "status": "active",
            "transfer_plan": None,
            "user": {"first_name": "Bob", "last_name": f"V{version}", "email": "bob@x.example", "is_active": True},
        } | changes
        data = {"before": document, "after": None if action == "removed" else document, "changed": []}
        told = neighbours_event(f"user_company.{action}", f"user_companies/{membership_id}", company_id, version, data)
        hand_to(SUBSCRIPTIONS.handlers, database, told)

    return take


@pytest.fixture
def known(superuser, company_id):
    def look():
        query = "SELECT name, is_active FROM user_refs WHERE company_id = %s AND user_id = %s"
        return superuser.execute(query, (company_id, BOB)).fetchone()

    return look


def assign(client):
    return client.post("/v1/customers", json={"name": f"Customer {uuid.uuid4()}", "assigned_to": BOB})


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 3), (3, 2, 1)])
def test_an_older_event_never_overwrites_a_newer_user(hear, known, order):
    for version in order:
        hear("updated", version)
    assert known() == ("Bob V3", True)


@pytest.mark.parametrize(
    ("action", "changes", "is_active"),
    [
        ("suspended", {"status": "suspended"}, False),
        ("deactivated", {"status": "deactivated", "transfer_plan": {"customers": {"keep": True}}}, False),
        ("removed", {}, False),
        ("updated", {"user": {"first_name": "B", "last_name": "J", "email": "b@x.example", "is_active": False}}, False),
        ("updated", {"role": "manager"}, True),
        ("activated", {}, True),
    ],
)
def test_a_user_is_active_while_the_account_and_the_membership_are(hear, known, action, changes, is_active):
    hear("created", 1)
    hear(action, 2, **changes)
    assert known()[1] is is_active


def test_an_event_from_before_there_were_suspensions_tells_of_an_active_user(hear, known):
    hear("created", 1, status="active")
    document = {"user_id": BOB, "user": {"first_name": "B", "last_name": "J", "email": None, "is_active": True}}
    hear("updated", 2, **document)
    assert known() == ("B J", True)


def test_who_joins_again_is_active_although_the_new_membership_begins_at_version_one(hear, known):
    hear("created", 1, membership_id=5)
    hear("removed", 8, membership_id=5)
    hear("created", 1, membership_id=6)
    assert known() == ("Bob V1", True)
    hear("updated", 7, membership_id=5)
    hear("removed", 8, membership_id=5)
    assert known() == ("Bob V1", True)


@pytest.mark.parametrize("action", ["suspended", "deactivated", "removed"])
def test_an_inactive_user_is_assigned_nothing(client, hear, superuser, company_id, action):
    hear("created", 1)
    path = f"/v1/customers/{assign(client).json['id']}"
    other = f"/v1/customers/{client.post('/v1/customers', json={'name': 'Other'}).json['id']}"
    hear(action, 2, status={"removed": "active"}.get(action, action))
    refused = [assign(client), client.patch(other, json={"assigned_to": BOB}, version=1)]
    for answer in refused:
        assert (answer.status_code, answer.json["code"]) == (422, "inactive_user")
        assert [(fault["pointer"], fault["code"]) for fault in answer.json["errors"]] == [
            ("/assigned_to", "inactive_user")
        ]
    count = "SELECT count(*) FROM customers WHERE company_id = %s"
    assert superuser.execute(count, (company_id,)).fetchone() == (2,)
    # What is theirs stays theirs: a change of something else may name them as before.
    assert client.patch(path, json={"assigned_to": BOB, "city": "Rome"}, version=1).status_code == 200
    assert client.patch(path, json={"assigned_to": None}, version=2).status_code == 200
    assert client.patch(path, json={"assigned_to": BOB}, version=3).status_code == 422
    hear("activated", 3)
    assert client.patch(path, json={"assigned_to": BOB}, version=3).status_code == 200


def test_an_event_waits_for_an_assignment_that_came_first(hear, known, database, company_id):
    """The handler sees every customer that was assigned before it, so none is forgotten when they are handed over."""
    hear("created", 1)
    began, heard = threading.Event(), threading.Event()

    def suspend():
        began.set()
        hear("suspended", 2, status="suspended")
        heard.set()

    thread = threading.Thread(target=suspend)
    with acting_as(Context(company_id=company_id, user_id=7, request_id="test")), database.transaction() as session:
        create_customer(session, {"name": "Ada", "assigned_to": BOB})
        thread.start()
        began.wait(5)
        assert not heard.wait(0.3)
        assert known() == ("Bob V1", True)
    thread.join(5)
    assert known()[1] is False


def test_of_assignments_and_a_suspension_at_once_those_that_come_after_are_refused(
    *, client_of, hear, superuser, company_id, application, tokens
):
    hear("created", 1)
    gate, statuses = threading.Barrier(9), []

    def post():
        client = Client(application.test_client(), tokens.sign(company_id=company_id, sub="7", scope="customers:write"))
        gate.wait(10)
        statuses.append(assign(client).status_code)

    threads = [threading.Thread(target=post) for _ in range(8)]
    for thread in threads:
        thread.start()
    gate.wait(10)
    hear("suspended", 2, status="suspended")
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 422, 503}
    count = "SELECT count(*) FROM customers WHERE company_id = %s AND assigned_to = %s"
    assert superuser.execute(count, (company_id, BOB)).fetchone() == (statuses.count(201),)
    assert assign(client_of(company_id)).status_code == 422
