"""The customers API over real PostgreSQL."""

import uuid

import pytest

from customers.schemas.customers import CustomerOut


def create(client, **values):
    return client.post("/v1/customers", json={"name": f"Ada {uuid.uuid4()}"} | values)


def codes(answer):
    return [(error["pointer"], error["code"]) for error in answer.json["errors"]]


def test_a_created_customer_is_answered_with_etag_location_and_code(client, company_id):
    answer = create(client, email="ada@example.com", credit_limit="12.50", tags=["vip"])
    assert answer.status_code == 201, answer.json
    body = answer.json
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Location"] == f"/v1/customers/{body['id']}"
    assert body["customer_code"] == "C-000001"
    assert body["company_id"] == company_id
    assert body["created_by"] == 7
    assert body["credit_limit"] == "12.50"
    assert client.get(answer.headers["Location"]).json == body


def test_what_postgresql_builds_is_what_the_schema_says(client):
    body = create(
        client,
        email="ada@example.com",
        phone="+49 30 1234",
        customer_type="business",
        industry="Technology",
        company_name="Analytical Engines",
        credit_limit="1234.50",
        tags=["a", "b"],
        notes='quotes " and \\ and \u2028',
    ).json
    schema = CustomerOut()
    assert schema.dump(schema.load(body)) == body
    assert list(body) == [name for name in schema.fields if name != "expanded"]
    assert body["phone_e164"] == "+49301234"


def test_a_failed_create_leaves_no_outbox_row(client, superuser, company_id):
    first = create(client, name="Twin", company_name="Same").json
    assert create(client, name="Twin", company_name="Same").status_code == 409
    rows = superuser.execute("SELECT aggregate_id FROM outbox WHERE company_id = %s", (company_id,)).fetchall()
    assert rows == [(first["id"],)]


def test_generated_codes_have_no_gaps_after_a_failure(client):
    create(client, name="Twin", company_name="Same")
    create(client, name="Twin", company_name="Same")
    assert create(client).json["customer_code"] == "C-000002"


def test_archiving_hides_from_lists_and_restoring_brings_back(client):
    body = create(client).json
    path = f"/v1/customers/{body['id']}"
    assert client.delete(path, version=1).status_code == 204
    assert client.get("/v1/customers").json["data"] == []
    assert client.get(path).json["archived_at"] is not None
    assert client.get("/v1/customers?archived_at[is_null]=false").json["data"][0]["id"] == body["id"]
    assert client.patch(path, json={"city": "Rome"}, version=2).status_code == 409
    restored = client.post(f"{path}/restore")
    assert restored.json["archived_at"] is None
    assert restored.json["version"] == 3
    assert [row["id"] for row in client.get("/v1/customers").json["data"]] == [body["id"]]
    assert client.post(f"{path}/restore").json["code"] == "customer_not_archived"


@pytest.mark.parametrize(
    ("action", "body"), [("assign", {"assigned_to": 7}), ("tags", {"tags": ["vip"]}), ("restore", None)]
)
def test_a_write_that_needs_no_version_heeds_the_one_that_it_is_given(client, action, body):
    path = f"/v1/customers/{create(client).json['id']}"
    version = 1
    if action == "restore":
        client.delete(path, version=version)
        version = 2
    stale = client.post(f"{path}/{action}", json=body, version=version + 7)
    assert (stale.status_code, stale.headers["ETag"]) == (412, f'"{version}"')
    assert client.post(f"{path}/{action}", json=body, headers={"If-Match": "*"}).status_code == 400
    assert client.get(path).json["version"] == version
    assert client.post(f"{path}/{action}", json=body, version=version).json["version"] == version + 1


def test_a_permission_that_is_missing_is_forbidden(client_of, company_id):
    reader = client_of(company_id, scope="customers:read")
    answer = create(reader)
    assert answer.status_code == 403
    assert answer.content_type == "application/problem+json"
    assert reader.get("/v1/customers").status_code == 200


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"name": ""}, ("/name", "invalid")),
        ({"name": None}, ("/name", "null")),
        ({"name": 5}, ("/name", "invalid")),
        ({"name": "a" * 256}, ("/name", "invalid")),
        ({"name": "a\x00b"}, ("/name", "invalid")),
        ({"naem": "x"}, ("/naem", "unknown_field")),
        ({"company_id": 1}, ("/company_id", "unknown_field")),
        ({"version": 9}, ("/version", "unknown_field")),
        ({"created_by": 9}, ("/created_by", "unknown_field")),
        ({"email": "nobody"}, ("/email", "invalid")),
        ({"email": "a@b\n.co"}, ("/email", "invalid")),
        ({"status": "gone"}, ("/status", "invalid")),
        ({"credit_limit": 5}, ("/credit_limit", "invalid")),
        ({"credit_limit": "-1"}, ("/credit_limit", "invalid")),
        ({"credit_limit": "1e500"}, ("/credit_limit", "invalid")),
        ({"credit_limit": "NaN"}, ("/credit_limit", "invalid")),
        ({"credit_limit": "1.234"}, ("/credit_limit", "invalid")),
        ({"assigned_to": 2**63}, ("/assigned_to", "invalid")),
        ({"assigned_to": 4711}, ("/assigned_to", "unknown_reference")),
        ({"assigned_to": True}, ("/assigned_to", "invalid")),
        ({"tags": "vip"}, ("/tags", "invalid")),
        ({"tags": ["x" * 51]}, ("/tags/0", "invalid")),
        ({"customer_code": "C-7"}, ("/customer_code", "invalid")),
    ],
)
def test_a_wrong_value_is_refused_with_its_pointer(client, values, fault, superuser, company_id):
    answer = create(client, **values)
    assert answer.status_code == 422, answer.json
    assert fault in codes(answer)
    assert superuser.execute("SELECT FROM customers WHERE company_id = %s", (company_id,)).fetchone() is None


def test_who_is_inactive_is_assigned_nothing_new(client, superuser, company_id):
    superuser.execute("INSERT INTO user_refs (company_id, user_id) VALUES (%s, 9)", (company_id,))
    path = f"/v1/customers/{create(client, assigned_to=9).json['id']}"
    superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = 9", (company_id,))
    assert codes(create(client, assigned_to=9)) == [("/assigned_to", "inactive_user")]
    # What is theirs stays theirs: a change of something else may name them as before.
    assert client.patch(path, json={"assigned_to": 9, "city": "Rome"}, version=1).status_code == 200
    assert client.patch(path, json={"assigned_to": None}, version=2).status_code == 200
    assert codes(client.patch(path, json={"assigned_to": 9}, version=3)) == [("/assigned_to", "inactive_user")]
