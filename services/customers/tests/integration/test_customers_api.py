"""The customers API over real PostgreSQL."""

import threading
import uuid

import orjson
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


def test_a_change_is_recorded_in_the_outbox_with_both_states(client, superuser):
    body = create(client).json
    changed = client.patch(f"/v1/customers/{body['id']}", json={"city": "Paris"}, version=1)
    assert changed.status_code == 200, changed.json
    rows = superuser.execute(
        "SELECT aggregate_version, type, body FROM outbox"
        " WHERE aggregate_type = 'customers' AND aggregate_id = %s ORDER BY id",
        (body["id"],),
    ).fetchall()
    assert [row[:2] for row in rows] == [(1, "crm.customer.created.v1"), (2, "crm.customer.updated.v1")]
    data = orjson.loads(rows[1][2])["data"]
    assert data["changed"] == ["city"]
    assert data["before"] == body
    assert data["after"] == changed.json


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


def test_a_write_needs_the_version_it_is_meant_for(client):
    path = f"/v1/customers/{create(client).json['id']}"
    assert client.patch(path, json={"city": "Rome"}).status_code == 428
    stale = client.patch(path, json={"city": "Rome"}, version=9)
    assert stale.status_code == 412
    assert stale.headers["ETag"] == '"1"'
    assert client.patch(path, json={}, headers={"If-Match": 'W/"1"'}).status_code == 412
    assert client.patch(path, json={}, headers={"If-Match": "*"}).status_code == 400
    assert client.delete(path).status_code == 428


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


def test_two_writers_with_one_etag_get_one_success(client_of, company_id):
    path = f"/v1/customers/{create(client_of(company_id)).json['id']}"
    for version in range(1, 11):
        answers, gate = [], threading.Barrier(2)

        def write(city, version=version, answers=answers, gate=gate):
            gate.wait()
            answers.append(
                client_of(company_id).patch(path, json={"city": f"{city} {version}"}, version=version).status_code
            )

        writers = [threading.Thread(target=write, args=(city,)) for city in ("Rome", "Oslo")]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert sorted(answers) == [200, 412]


def test_another_tenants_customer_does_not_exist(client, client_of, company_id):
    path = f"/v1/customers/{create(client).json['id']}"
    stranger = client_of(company_id + 10**9)
    assert stranger.get(path).status_code == 404
    assert stranger.patch(path, json={"city": "Rome"}, version=1).status_code == 404
    assert stranger.delete(path, version=1).status_code == 404
    assert stranger.post(f"{path}/restore").status_code == 404
    assert stranger.get("/v1/customers?include=total").json == {
        "data": [],
        "page": {"next_cursor": None, "has_more": False, "total": 0},
    }


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


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b'{"name":', "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b'{"name":"a"} x', "application/json", 400),
        (b'{"name":"\\ud800"}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b"[]", "application/json", 422),
        (b"null", "application/json", 422),
        (b"name=a", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b'{"name":"' + b"a" * 2_000_000 + b'"}', "application/json", 413),
    ],
)
def test_a_body_that_is_no_customer_is_refused(client, body, content_type, status):
    answer = client.post("/v1/customers", data=body, headers={"Content-Type": content_type})
    assert answer.status_code == status, answer.data
    assert answer.content_type == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("path", ["0", "-1", "x", str(2**63), "1" * 30, "%00", "1/nothing"])
def test_a_path_that_cannot_be_an_id_is_not_found(client, path):
    assert client.get(f"/v1/customers/{path}").status_code == 404


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name": "%s"}' % (b"x" * 300_000), 413),
        (b'{"name": "Ada", "tags": [%s0]}' % (b"0," * 60_000), 413),
        # Commas in a text are no values.
        (b'{"name": "Ada", "notes": "\\"%s"}' % (b"," * 60_000), 422),
        (b'{"name": "Ada", "notes": "%s"}' % (rb"\ud83d\ude00" * 20_000), 201),
    ],
    ids=["larger than a record", "more values than a batch", "commas in a text", "the longest notes, escaped"],
)
def test_a_body_is_measured_before_it_is_parsed(client, body, status):
    answer = client.post("/v1/customers", data=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.json
    assert status != 413 or answer.json["code"] == "body_too_large"
