"""What the service records is what its contracts promise; what it consumes has one effect whatever the order."""

import orjson
import pytest
from sqlalchemy import text

from chassis.context import Context, acting_as
from chassis.db.statements import Prepared
from chassis.events import decode
from customers.commands.customers import create_customer
from customers.handlers import SUBSCRIPTIONS


def test_every_recorded_event_keeps_its_contract(client, superuser, company_id, validate_event):
    body = client.post("/v1/customers", json={"name": "Ada", "email": "ada@example.com", "tags": ["a"]}).json
    path = f"/v1/customers/{body['id']}"
    client.patch(path, json={"credit_limit": "9.90"}, version=1)
    client.delete(path, version=2)
    client.post(f"{path}/restore")
    rows = superuser.execute(
        "SELECT type, body FROM outbox WHERE company_id = %s ORDER BY id", (company_id,)
    ).fetchall()
    assert len({event_type for event_type, _ in rows}) == 4
    for version, (event_type, event) in enumerate(rows, 1):
        document = orjson.loads(event)
        assert document["type"] == event_type
        validate_event(document)
        assert document["aggregateversion"] == version
        assert document["correlationid"]
        assert document["actor"] == "7"


def test_a_rollback_leaves_neither_customer_nor_event(session, superuser, company_id):
    create_customer(session, {"name": "Ada"})
    session.rollback()
    for table in ("customers", "outbox", "user_refs", "customer_codes"):
        assert superuser.execute(f"SELECT FROM {table} WHERE company_id = %s", (company_id,)).fetchone() is None


@pytest.fixture
def recorded(superuser, company_id):
    """The events of a type by their record, each of which is a whole document."""

    def read(event_type):
        query = "SELECT aggregate_id, event_id::text, body FROM outbox WHERE company_id = %s AND type = %s ORDER BY id"
        found = superuser.execute(query, (company_id, event_type)).fetchall()
        documents = {record_id: orjson.loads(body) for record_id, _, body in found}
        assert len(documents) == len(found)
        assert [documents[record_id]["id"] for record_id, *_ in found] == [event_id for _, event_id, _ in found]
        return documents

    return read


def test_events_that_one_statement_records_hold_each_its_own_record(client, imports, recorded, validate_event):
    """Their bodies travel in one piece and are cut by PostgreSQL: of unequal length, and longer in bytes than in text."""
    names = ("Å", "Ada Lovelace of the long name", "Ю")
    table = imports.table(("E-Mail", "Name"), *((f"{number}@x.example", name) for number, name in enumerate(names)))
    imports.run(table)
    customers = client.get("/v1/customers").json["data"]
    cities = imports.table(("E-Mail", "City"), *((row["email"], f"City of {row['name']}") for row in customers))
    done = imports.run(cities, mode="update", match_by="email")
    assert done["updated_rows"] == len(names)
    updated = recorded("crm.customer.updated.v1")
    assert updated.keys() == {row["id"] for row in customers}
    for row in customers:
        event = updated[row["id"]]
        validate_event(event)
        assert event["data"]["after"] == client.get(f"/v1/customers/{row['id']}").json
        assert event["data"]["before"] == row
    assert imports.step(done["id"], "revert")["reverted_rows"] == len(names)
    assert client.get("/v1/customers?city[is_null]=true&include=total").json["page"]["total"] == len(names)


def test_contacts_that_go_with_their_customer_have_each_their_own_event(client, recorded, create):
    path = f"/v1/customers/{create(client)['id']}"
    made = [client.post(f"{path}/contacts", json={"first_name": name}).json for name in ("Å", "Grace Hopper", "Ю")]
    assert client.delete(path, version=1).status_code == 204
    archived = recorded("crm.contact.archived.v1")
    assert {key: event["data"]["before"] for key, event in archived.items()} == {body["id"]: body for body in made}
    shown = {body["id"]: client.get(f"/v1/contacts/{body['id']}").json for body in made}
    assert {key: event["data"]["after"] for key, event in archived.items()} == shown


# Where something else is left of an event than a reference.
_KEPT = {"crm.company.purged.v1": "company_purges"}


@pytest.mark.parametrize("event_type", SUBSCRIPTIONS.handlers)
def test_a_consumed_events_example_has_what_its_handler_reads(event_type, database, contracts):
    """The producer's published example passes through our handler and leaves a row (contract test)."""
    event = decode(contracts.example(event_type))
    table = _KEPT.get(event_type) or ("company_refs" if ".company." in event_type else "user_refs")
    counted = text(f"SELECT count(*) FROM {table} WHERE company_id = :company_id")  # noqa: S608  # One of three names.
    kept = Prepared(counted)
    with acting_as(Context(company_id=event.company_id)), database.session() as session:
        session.begin()
        [before] = session.fetch(kept, company_id=event.company_id)
        SUBSCRIPTIONS.handlers[event_type](session, event)
        [after] = session.fetch(kept, company_id=event.company_id)
        assert after > before
        session.rollback()
