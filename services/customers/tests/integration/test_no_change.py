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
