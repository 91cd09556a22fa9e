"""The customers API over real PostgreSQL."""

import orjson


def create(client, **values):
    return client.post("/v1/customers", json={"name": "Ada"} | values)


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


def test_a_change_is_recorded_in_the_outbox_with_both_states(client, superuser):
    body = create(client).json
    changed = client.patch(f"/v1/customers/{body['id']}", json={"city": "Paris"}, version=1)
    assert changed.status_code == 200, changed.json
    rows = superuser.execute(
        "SELECT aggregate_version, type, body FROM outbox WHERE aggregate_id = %s ORDER BY id", (body["id"],)
    ).fetchall()
    assert [row[:2] for row in rows] == [(1, "crm.customer.created.v1"), (2, "crm.customer.updated.v1")]
    data = orjson.loads(rows[1][2])["data"]
    assert data["changed"] == ["city"]
    assert data["before"] == body
    assert data["after"] == changed.json
