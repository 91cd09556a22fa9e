"""Contacts: people at a customer, of whom one is the primary one, and who share the customer's fate."""

import pytest

from customers.commands.contacts import MOST_OF_A_CUSTOMER
from customers.schemas.contacts import ContactOut


@pytest.fixture
def customer(client):
    return client.post("/v1/customers", json={"name": "Acme"}).json


def add(client, customer, **values):
    return client.post(f"/v1/customers/{customer['id']}/contacts", json={"first_name": "Grace"} | values)


def test_a_contact_is_what_its_schema_says(client, customer):
    answer = add(
        client, customer, last_name="Hopper", email="grace@acme.example", phone="+49 30 1234", job_title="Buyer"
    )
    assert answer.status_code == 201, answer.json
    body = answer.json
    schema = ContactOut()
    assert schema.dump(schema.load(body)) == body
    assert list(body) == [name for name in schema.fields if name != "expanded"]
    assert body["phone_e164"] == "+49301234"
    assert answer.headers["Location"] == f"/v1/contacts/{body['id']}"
    assert client.get(answer.headers["Location"]).json == body


def test_contacts_are_listed_of_one_customer_and_of_all(client, customer):
    other = client.post("/v1/customers", json={"name": "Other"}).json
    ids = [add(client, customer, first_name=name).json["id"] for name in ("A", "B", "C")]
    strange = add(client, other).json["id"]
    path = f"/v1/customers/{customer['id']}/contacts"
    first = client.get(f"{path}?limit=2").json
    assert [row["id"] for row in first["data"]] == ids[:0:-1]
    rest = client.get(f"{path}?limit=2&cursor={first['page']['next_cursor']}").json
    assert [row["id"] for row in rest["data"]] == ids[:1]
    assert {row["id"] for row in client.get("/v1/contacts").json["data"]} == {*ids, strange}
    assert client.get("/v1/customers/999999999/contacts").status_code == 404


def test_contacts_are_found_by_what_their_list_filters_by(client, customer):
    grace = add(client, customer, email="grace@acme.example", phone="+49 30 1234", is_primary=True).json
    gone = add(client, customer, first_name="Gone").json
    client.delete(f"/v1/contacts/{gone['id']}", version=1)
    add(client, customer, first_name="Other")
    for query in (
        "email=grace@acme.example",
        "phone_e164=%2B49301234",
        "is_primary=true",
        f"id={grace['id']}",
        f"customer_id={customer['id']}&email[is_null]=false",
        "created_by=7&email[contains]=grace",
    ):
        assert [row["id"] for row in client.get(f"/v1/contacts?{query}").json["data"]] == [grace["id"]], query
    archived = client.get("/v1/contacts?archived_at[is_null]=false").json["data"]
    assert [row["id"] for row in archived] == [gone["id"]]
    assert client.get("/v1/contacts?first_name=Grace").status_code == 400


def test_a_customer_has_one_primary_contact(client, customer):
    first = add(client, customer, is_primary=True).json
    second = add(client, customer, is_primary=True).json
    assert client.get(f"/v1/contacts/{first['id']}").json["is_primary"] is False
    back = client.patch(f"/v1/contacts/{first['id']}", json={"is_primary": True}, version=2)
    assert back.json["is_primary"] is True
    assert client.get(f"/v1/contacts/{second['id']}").json["is_primary"] is False


def test_of_many_who_become_primary_at_once_one_is(at_once, client_of, client, company_id, customer):
    answers = at_once(*[lambda: add(client_of(company_id), customer, is_primary=True)] * 6)
    assert [answer.status_code for answer in answers] == [201] * 6
    primary = client.get(f"/v1/customers/{customer['id']}/contacts?is_primary=true").json["data"]
    assert len(primary) == 1


def test_contacts_are_archived_and_restored_with_their_customer(client, customer):
    gone_before = add(client, customer).json
    client.delete(f"/v1/contacts/{gone_before['id']}", version=1)
    stays = add(client, customer).json
    path = f"/v1/customers/{customer['id']}"
    client.delete(path, version=1)
    assert client.get("/v1/contacts").json["data"] == []
    assert add(client, customer).json["code"] == "customer_archived"
    client.post(f"{path}/restore")
    assert [row["id"] for row in client.get("/v1/contacts").json["data"]] == [stays["id"]]


def test_purging_a_customer_takes_its_contacts_each_with_its_event(client_of, company_id, customer, superuser):
    client = client_of(company_id, scope="customers:read customers:write customers:purge")
    contact = add(client, customer).json
    path = f"/v1/customers/{customer['id']}"
    assert client.post(f"{path}/purge").status_code == 428
    assert client.post(f"{path}/purge", version=1).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(f"/v1/contacts/{contact['id']}").status_code == 404
    rows = superuser.execute(
        "SELECT type, aggregate_id, aggregate_version FROM outbox WHERE company_id = %s AND type LIKE '%%purged%%'",
        (company_id,),
    ).fetchall()
    assert sorted(rows) == [
        ("crm.contact.purged.v1", contact["id"], 2),
        ("crm.customer.purged.v1", customer["id"], 2),
    ]


def test_purging_needs_its_own_permission(client, customer):
    assert client.post(f"/v1/customers/{customer['id']}/purge", version=1).status_code == 403
    assert client.post(f"/v1/contacts/{add(client, customer).json['id']}/purge", version=1).status_code == 403


def test_an_archived_contact_is_restored_with_its_event(client, customer, superuser):
    contact = add(client, customer, is_primary=True).json
    path = f"/v1/contacts/{contact['id']}"
    assert client.post(f"{path}/restore").json["code"] == "contact_not_archived"
    client.delete(path, version=1)
    assert client.post(f"{path}/restore", version=1).status_code == 412
    back = client.post(f"{path}/restore", version=2)
    assert (back.status_code, back.headers["ETag"], back.json["archived_at"]) == (200, '"3"', None)
    assert [row["id"] for row in client.get("/v1/contacts").json["data"]] == [contact["id"]]
    rows = superuser.execute(
        "SELECT type FROM outbox WHERE aggregate_type = 'contacts' AND aggregate_id = %s ORDER BY id", (contact["id"],)
    ).fetchall()
    assert [row[0] for row in rows] == [f"crm.contact.{action}.v1" for action in ("created", "archived", "restored")]


def test_a_contact_of_an_archived_customer_is_restored_with_it_alone(client, customer):
    contact = add(client, customer).json
    client.delete(f"/v1/customers/{customer['id']}", version=1)
    answer = client.post(f"/v1/contacts/{contact['id']}/restore")
    assert (answer.status_code, answer.json["code"]) == (409, "customer_archived")


def test_a_contact_is_purged_alone_with_its_event(client_of, company_id, customer, superuser):
    client = client_of(company_id, scope="customers:read customers:write customers:purge")
    contact, stays = add(client, customer).json, add(client, customer).json
    path = f"/v1/contacts/{contact['id']}"
    assert client.post(f"{path}/purge").status_code == 428
    assert client.post(f"{path}/purge", version=2).status_code == 412
    assert client.post(f"{path}/purge", version=1).status_code == 204
    assert client.get(path).status_code == 404
    assert client.get(f"/v1/contacts/{stays['id']}").json == stays
    rows = superuser.execute(
        "SELECT aggregate_id, aggregate_version FROM outbox WHERE company_id = %s AND type = 'crm.contact.purged.v1'",
        (company_id,),
    ).fetchall()
    assert rows == [(contact["id"], 2)]


def test_another_tenants_contact_does_not_exist(client, client_of, company_id, customer):
    contact = add(client, customer).json
    stranger = client_of(company_id + 10**9)
    path = f"/v1/contacts/{contact['id']}"
    assert stranger.get(path).status_code == 404
    assert stranger.patch(path, json={"first_name": "X"}, version=1).status_code == 404
    assert stranger.delete(path, version=1).status_code == 404
    assert stranger.post(f"{path}/restore").status_code == 404
    purger = client_of(company_id + 10**9, scope="customers:purge")
    assert purger.post(f"{path}/purge", version=1).status_code == 404
    assert add(stranger, customer).status_code == 404


@pytest.mark.parametrize("field", ["id", "company_id", "version", "customer_id", "created_by", "phone_e164"])
def test_what_the_service_owns_cannot_be_set(client, customer, field):
    answer = add(client, customer, **{field: 1})
    assert (answer.status_code, answer.json["errors"][0]["pointer"]) == (422, f"/{field}")


def test_a_customer_is_archived_once_so_that_its_contacts_come_back(client, customer):
    """A second time would take the contacts' memory of what they went with."""
    contact, path = add(client, customer).json["id"], f"/v1/customers/{customer['id']}"
    assert client.delete(path, version=1).status_code == 204
    again = client.delete(path, version=2)
    assert (again.status_code, again.json["code"]) == (409, "customer_archived")
    assert client.post(f"{path}/restore").status_code == 200
    assert client.get(f"/v1/contacts/{contact}").json["archived_at"] is None


def test_who_was_the_primary_contact_comes_back_beside_the_next_one(client, customer):
    first, second = (add(client, customer, is_primary=primary).json["id"] for primary in (True, False))
    assert client.delete(f"/v1/contacts/{first}", version=1).status_code == 204
    assert client.get(f"/v1/contacts/{first}").json["is_primary"] is False
    assert client.patch(f"/v1/contacts/{second}", json={"is_primary": True}, version=1).status_code == 200
    back = client.post(f"/v1/contacts/{first}/restore")
    assert (back.status_code, back.json["is_primary"]) == (200, False)
    assert client.get(f"/v1/contacts/{second}").json["is_primary"] is True


def test_no_restore_brings_a_customer_more_contacts_than_it_may_have(client, customer, superuser, company_id):
    gone = add(client, customer).json["id"]
    assert client.delete(f"/v1/contacts/{gone}", version=1).status_code == 204
    superuser.execute(
        "INSERT INTO contacts (company_id, customer_id, first_name) SELECT %s, %s, 'Grace' FROM generate_series(1, %s)",
        (company_id, customer["id"], MOST_OF_A_CUSTOMER),
    )
    refused = client.post(f"/v1/contacts/{gone}/restore")
    assert (refused.status_code, refused.json["code"]) == (409, "too_many_contacts")
    assert client.get(f"/v1/contacts/{gone}").json["archived_at"] is not None


def test_a_contact_is_archived_once(client, customer):
    contact = f"/v1/contacts/{add(client, customer).json['id']}"
    assert client.delete(contact, version=1).status_code == 204
    again = client.delete(contact, version=2)
    assert (again.status_code, again.json["code"]) == (409, "contact_archived")
    assert client.get(contact).json["version"] == 2
