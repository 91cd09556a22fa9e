"""A change to what is there already is none: no new version, no event, and the present state for an answer."""

import psycopg
import pytest

VALUES = {
    "name": "Ada",
    "email": "ada@b.example",
    "phone": "030 123456",
    "credit_limit": "5.00",
    "tags": ["vip"],
    "notes": None,
    "status": "active",
}


@pytest.fixture
def ada(client):
    return client.post("/v1/customers", json=VALUES).json


@pytest.fixture
def events(superuser: psycopg.Connection, company_id):
    def read():
        return superuser.execute(
            "SELECT type, aggregate_version FROM outbox WHERE company_id = %s ORDER BY id", (company_id,)
        ).fetchall()

    return read


@pytest.mark.parametrize(
    "values", [{}, VALUES, {"credit_limit": "5"}, {"tags": ["vip"]}, {"notes": None}, {"assigned_to": None}]
)
def test_a_patch_that_changes_nothing_answers_with_what_is_there(client, ada, events, values):
    before = events()
    answer = client.patch(f"/v1/customers/{ada['id']}", json=values, version=1)
    assert (answer.status_code, answer.json, answer.headers["ETag"]) == (200, ada, '"1"')
    assert events() == before
    assert client.patch(f"/v1/customers/{ada['id']}", json=values, version=2).status_code == 412


def test_one_value_that_differs_is_a_change(client, ada, events):
    answer = client.patch(f"/v1/customers/{ada['id']}", json=VALUES | {"notes": "called"}, version=1)
    assert (answer.json["notes"], answer.headers["ETag"]) == ("called", '"2"')
    assert events()[-1] == ("crm.customer.updated.v1", 2)


def test_many_changes_tell_of_those_that_are_some(client, ada, events):
    bea = client.post("/v1/customers", json={"name": "Bea", "city": "Bonn"}).json
    before = len(events())
    body = {"filter": f"id[in]={ada['id']},{bea['id']}", "changes": {"city": "Bonn"}}
    counted = client.post("/v1/customers/bulk-update", json=body).json
    done = client.post("/v1/customers/bulk-update", json=body | {"confirm": counted["confirm"]}).json
    assert (done["count"], done["updated"]) == (2, 1)
    items = [{"action": "update", "id": bea["id"], "version": 1, "values": {"city": "Bonn"}}]
    [result] = client.post("/v1/customers/batch", json={"items": items}).json["results"]
    assert (result["status"], result["record"]) == (200, bea)
    [assigned] = client.post("/v1/customers/assign", json={"ids": [bea["id"]], "assigned_to": None}).json["results"]
    assert assigned["record"]["version"] == 1
    assert events()[before:] == [("crm.customer.updated.v1", 2)]


def test_a_contact_and_an_import_are_no_other_for_the_same_values(imports, client, ada, events):
    contact = client.post(f"/v1/customers/{ada['id']}/contacts", json={"first_name": "Pat", "is_primary": True}).json
    begun = imports.begin(imports.table(("Name",), ("Bea",))).json
    validated = imports.step(begun["id"], "validate")
    before = events()
    same = client.patch(f"/v1/contacts/{contact['id']}", json={"first_name": "Pat", "is_primary": True}, version=1)
    assert same.json == contact
    path = f"/v1/customers/imports/{begun['id']}"
    for patch in ({}, {"mapping": {"Name": "name"}, "mode": "create"}, {"encoding": validated["encoding"]}):
        answer = imports.client.patch(path, json=patch, version=validated["version"])
        assert (answer.status_code, answer.json) == (200, validated)
    assert events() == before


def test_a_merge_that_gives_the_target_nothing_is_told_all_the_same(client, events):
    target, source = (client.post("/v1/customers", json={"name": name}).json for name in ("Ada", "Bea"))
    body = {"from": [{"id": source["id"], "version": 1}], "fields": {}}
    assert client.post(f"/v1/customers/{target['id']}/merge", json=body, version=1).status_code == 200
    assert ("crm.customer.merged.v1", 2) in events()
