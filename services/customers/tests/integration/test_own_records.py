"""`customers:read:own`: who sees no more than their own customers sees no others, by whatever route."""

import threading

import psycopg
import pytest

from chassis.context import Context
from chassis.db import pages
from chassis.db.listing import Shape
from chassis.testing.plans import plan_of
from customers.queries.customers import CUSTOMERS

ALL = "customers:read customers:write"
OWN = "customers:read:own customers:write"
ME, COLLEAGUE = 7, 8
NEWEST = (("created_at", True),)


@pytest.fixture
def confined(client_as):
    return client_as(ME, OWN)


@pytest.fixture
def colleague(client_as):
    return client_as(COLLEAGUE, ALL)


@pytest.fixture
def create():
    def post(client, name, **values):
        answer = client.post("/v1/customers", json={"name": name, **values})
        assert answer.status_code == 201, answer.json
        return f"/v1/customers/{answer.json['id']}"

    return post


def names(answer):
    return {customer["name"] for customer in answer.json["data"]}


def test_the_list_holds_what_is_assigned_to_or_created_by_the_actor(confined, colleague, create):
    create(confined, "mine")
    create(confined, "mine, given away", assigned_to=COLLEAGUE)
    create(colleague, "given to me", assigned_to=ME)
    create(colleague, "none of mine")
    listed = confined.get("/v1/customers?include=total")
    assert names(listed) == {"mine", "mine, given away", "given to me"}
    assert listed.json["page"]["total"] == 3
    assert names(colleague.get("/v1/customers")) == names(listed) | {"none of mine"}


@pytest.mark.parametrize(
    "query",
    ["?name=none of mine", "?created_by=8", "?assigned_to[is_null]=true", "?fields=name", "?archived_at[is_null]=true"],
)
def test_no_filter_leads_around_it(confined, colleague, create, query):
    create(colleague, "none of mine")
    assert confined.get(f"/v1/customers{query}").json["data"] == []


def test_a_cursor_of_a_wider_list_shows_no_more(confined, client_as, colleague, create):
    for number in range(4):
        create(colleague, f"theirs {number}")
    create(confined, "mine")
    wide = client_as(ME, ALL).get("/v1/customers?limit=1").json["page"]["next_cursor"]
    assert confined.get(f"/v1/customers?limit=1&cursor={wide}").json["data"] == []


def test_pages_of_ones_own_are_complete(confined, colleague, create):
    for number in range(5):
        create(confined, f"mine {number}")
        create(colleague, f"theirs {number}")
    seen, cursor = [], ""
    while cursor is not None:
        page = confined.get(f"/v1/customers?limit=2{cursor and f'&cursor={cursor}'}").json
        seen += [customer["name"] for customer in page["data"]]
        cursor = page["page"]["next_cursor"]
    assert seen == [f"mine {number}" for number in reversed(range(5))]


def test_an_unseen_customer_is_not_there_for_any_route(confined, colleague, create):
    path = create(colleague, "none of mine")
    assert confined.get(path).status_code == 404
    assert confined.patch(path, json={"name": "taken"}, version=1).status_code == 404
    assert confined.delete(path, version=1).status_code == 404
    assert colleague.delete(path, version=1).status_code == 204
    assert confined.post(f"{path}/restore").status_code == 404
    missing = confined.get("/v1/customers/999999999").json
    assert confined.get(path).json | {"request_id": ""} == missing | {"request_id": ""}


def test_ones_own_customer_can_be_changed_archived_and_restored(confined, colleague, create):
    path = create(colleague, "given to me", assigned_to=ME)
    assert confined.get(path).status_code == 200
    assert confined.patch(path, json={"city": "Rome"}, version=1).status_code == 200
    assert confined.delete(path, version=2).status_code == 204
    assert confined.post(f"{path}/restore").status_code == 200


def test_a_customer_given_away_is_out_of_sight(confined, colleague, create):
    path = create(colleague, "given to me", assigned_to=ME)
    assert confined.patch(path, json={"assigned_to": COLLEAGUE}, version=1).status_code == 200
    assert confined.get(path).status_code == 404


def test_who_may_not_read_writes_no_customer_of_others(client_as, colleague, create):
    """A change answers the customer, so it must not reach further than reading."""
    writer = client_as(ME, "customers:write")
    assert writer.patch(create(colleague, "none of mine"), json={"city": "Rome"}, version=1).status_code == 404
    assert writer.patch(create(writer, "mine"), json={"city": "Rome"}, version=1).status_code == 200


def test_reading_ones_own_is_no_right_to_write(client_as, confined, create):
    reader = client_as(ME, "customers:read:own")
    path = create(confined, "mine")
    assert reader.get(path).status_code == 200
    assert reader.patch(path, json={"city": "Rome"}, version=1).status_code == 403
    assert reader.post("/v1/customers", json={"name": "new"}).status_code == 403


def test_a_customer_taken_away_during_the_wait_for_its_lock_is_not_changed(
    confined, colleague, create, superuser, urls
):
    """Whose the customer is is looked at again under the lock."""
    path = create(colleague, "given to me", assigned_to=ME)
    answers = []
    with psycopg.connect(urls.superuser) as other:
        statement = "UPDATE customers SET assigned_to = %s, updated_at = now() WHERE id = %s"
        other.execute(statement, (COLLEAGUE, path.rpartition("/")[2]))
        change = threading.Thread(
            target=lambda: answers.append(confined.patch(path, json={"city": "Rome"}, version=1).status_code)
        )
        change.start()
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        while superuser.execute(waiting).fetchone() == (0,):
            assert change.is_alive()
        other.commit()
    change.join()
    assert answers == [404]
    assert colleague.get(path).json["city"] is None


def test_ones_own_are_read_in_order_from_the_indexes_on_both_columns(urls, company_id, superuser):
    """Planned as the service plans it: once for all values, under row-level security."""
    users = "INSERT INTO user_refs (company_id, user_id) SELECT %s, generate_series(1, 100)"
    superuser.execute(users, (company_id,))
    superuser.execute(
        """
        INSERT INTO customers (company_id, customer_code, name, created_by, assigned_to, created_at)
        SELECT %s, 'X-' || i, 'Customer ' || i, 1 + i %% 100, 1 + i / 3 %% 100, now() - i * interval '1 minute'
        FROM generate_series(1, 10000) i
        """,
        (company_id,),
    )
    superuser.execute("ANALYZE customers")
    page = pages._page(CUSTOMERS, Shape(fields=None, conditions=(), sort=NEWEST, limit=50, after=False), True)
    nodes = plan_of(urls.app, Context(company_id=company_id), page, {"actor": 5})
    walked = {node["Index Name"] for node in nodes if node.get("Scan Direction") == "Backward"}
    assert walked >= {"ix_customers_created_by_in_order", "ix_customers_assigned_to_in_order"}, nodes
