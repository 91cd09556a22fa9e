"""Industries, tags, counts, assigning, and many changes at once."""

import uuid
from urllib.parse import quote

import pytest


def create(client, **values):
    return client.post("/v1/customers", json={"name": f"Ada {uuid.uuid4()}"} | values)


@pytest.fixture
def admin(client_of, company_id):
    return client_of(company_id, scope="customers:read customers:write companies:write")


def test_the_industries_of_the_seed_are_there_and_an_admin_adds_more(client, admin):
    names = client.get("/v1/industries").json["data"]
    assert len(names) == 9
    assert create(client, industry="Healthcare").status_code == 201
    unknown = create(client, industry="Space travel")
    assert (unknown.status_code, unknown.json["errors"][0]["pointer"]) == (422, "/industry")
    assert client.post("/v1/industries", json={"name": "Space travel"}).status_code == 403
    assert admin.post("/v1/industries", json={"name": "Space travel"}).status_code == 201
    assert admin.post("/v1/industries", json={"name": "Space travel"}).json["code"] == "industry_exists"
    assert admin.post("/v1/industries", json={"name": "Finance"}).json["code"] == "industry_exists"
    assert create(client, industry="Space travel").status_code == 201
    assert client.get("/v1/industries").json["data"] == [*names, "Space travel"]


def test_another_companys_industry_is_unknown(admin, client_of, company_id):
    admin.post("/v1/industries", json={"name": "Space travel"})
    stranger = client_of(company_id + 10**9)
    assert "Space travel" not in stranger.get("/v1/industries").json["data"]
    assert create(stranger, industry="Space travel").status_code == 422


def test_tags_are_added_taken_away_and_counted(client):
    ada = create(client, tags=["vip"]).json
    create(client, tags=["vip", "new"])
    gone = create(client, tags=["new"]).json
    client.delete(f"/v1/customers/{gone['id']}", version=1)
    path = f"/v1/customers/{ada['id']}/tags"
    assert client.post(path, json={"tags": ["beta", "vip"]}).json["tags"] == ["vip", "beta"]
    assert client.post(path, json={"tags": ["beta"]}).headers["ETag"] == '"2"'
    assert client.get("/v1/customers/tags").json["data"] == [
        {"tag": "vip", "count": 2},
        {"tag": "beta", "count": 1},
        {"tag": "new", "count": 1},
    ]
    assert client.delete(f"{path}/vip").status_code == 428
    assert client.delete(f"{path}/vip", version=2).json["tags"] == ["beta"]
    assert client.delete(f"{path}/vip", version=3).json["code"] == "tag_not_found"
    assert client.get("/v1/customers/tags").json["data"][0]["count"] == 1


@pytest.mark.parametrize("tag", ["a/b", "ü ö", "50%", "what?", "a;b"])
def test_a_tag_of_any_characters_can_be_taken_away(client, tag):
    ada = create(client, tags=[tag, "other"]).json
    path = f"/v1/customers/{ada['id']}/tags/{quote(tag, safe='')}"
    assert client.delete(path, version=1).json["tags"] == ["other"]


def test_too_many_tags_are_refused(client):
    ada = create(client, tags=[f"t{number}" for number in range(50)]).json
    assert client.post(f"/v1/customers/{ada['id']}/tags", json={"tags": ["more"]}).json["code"] == "too_many_tags"
    assert create(client, tags=["twice", "once", " Twice"]).json["tags"] == ["twice", "once"]


def test_facets_count_the_live_customers(client):
    create(client, status="prospect", industry="Finance", priority="high", tags=["a"])
    create(client, status="prospect", source="web", assigned_to=7)
    gone = create(client, status="lost").json
    client.delete(f"/v1/customers/{gone['id']}", version=1)
    facets = client.get("/v1/customers/facets").json
    assert facets["status"] == [{"value": "prospect", "count": 2}]
    assert facets["customer_type"] == [{"value": "individual", "count": 2}]
    assert {(row["value"], row["count"]) for row in facets["source"]} == {("web", 1), (None, 1)}
    assert facets["industry"] == [{"value": "Finance", "count": 1}, {"value": None, "count": 1}]
    assert sorted((row["value"], row["count"]) for row in facets["priority"]) == [("high", 1), ("medium", 1)]
    assert {row["value"] for row in facets["assigned_to"]} == {7, None}
    assert facets["tag"] == [{"value": "a", "count": 1}]


def test_customers_are_assigned_one_by_one_and_in_bulk(client):
    ids = [create(client).json["id"] for _ in range(3)]
    assert client.post(f"/v1/customers/{ids[0]}/assign", json={"assigned_to": 7}).json["assigned_to"] == 7
    unknown = client.post(f"/v1/customers/{ids[0]}/assign", json={"assigned_to": 99})
    assert (unknown.status_code, unknown.json["code"]) == (422, "unknown_user")
    answer = client.post("/v1/customers/assign", json={"ids": [*ids, 999_999_999], "assigned_to": 7}).json
    assert (answer["succeeded"], answer["failed"]) == (3, 1)
    assert [result["status"] for result in answer["results"]] == [200, 200, 200, 404]
    assert client.get("/v1/customers?assigned_to=7&include=total").json["page"]["total"] == 3


def test_in_a_batch_each_item_succeeds_or_fails_by_itself(client, superuser, company_id):
    ada = create(client).json
    items = [
        {"action": "create", "values": {"name": "Twin", "company_name": "Same"}},
        {"action": "create", "values": {"name": "Twin", "company_name": "Same"}},
        {"action": "create", "values": {"name": "", "nonsense": 1}},
        {"action": "update", "id": ada["id"], "version": 1, "values": {"city": "Paris"}},
        {"action": "update", "id": ada["id"], "version": 1, "values": {"city": "Rome"}},
        {"action": "archive", "id": ada["id"]},
        {"action": "archive", "id": ada["id"], "version": 2},
        {"action": "update", "id": 999_999_999, "version": 1, "values": {}},
    ]
    answer = client.post("/v1/customers/batch", json={"items": items})
    assert answer.status_code == 200, answer.json
    results = answer.json["results"]
    assert [result["status"] for result in results] == [201, 409, 422, 200, 412, 422, 204, 404]
    assert answer.json["failed"] == 5
    assert results[0]["record"]["name"] == "Twin"
    assert results[1]["problem"]["code"] == "customer_exists"
    assert {fault["pointer"] for fault in results[2]["problem"]["errors"]} == {"/name", "/nonsense"}
    assert client.get(f"/v1/customers/{ada['id']}").json["city"] == "Paris"
    recorded = superuser.execute("SELECT count(*) FROM outbox WHERE company_id = %s", (company_id,)).fetchone()
    assert recorded == (4,)


def bulk(client, filter_, changes, **more):
    return client.post("/v1/customers/bulk-update", json={"filter": filter_, "changes": changes} | more)


def test_a_bulk_update_is_counted_first_and_done_when_that_is_confirmed(client):
    ids = [create(client, city="Bonn").json["id"] for _ in range(3)]
    other = create(client, city="Rome").json
    shown = bulk(client, "city=Bonn", {"status": "lost"})
    assert (shown.json["count"], shown.json["updated"]) == (3, 0)
    assert client.get("/v1/customers?status=lost").json["data"] == []
    done = bulk(client, "city=Bonn", {"status": "lost"}, confirm=shown.json["confirm"])
    assert done.json == {"count": 3, "confirm": None, "updated": 3}
    assert {row["id"] for row in client.get("/v1/customers?status=lost").json["data"]} == set(ids)
    assert client.get(f"/v1/customers/{other['id']}").json == other


def test_a_failing_bulk_update_changes_nothing(client):
    ids = [create(client, city="Bonn").json["id"] for _ in range(2)]
    token = bulk(client, "city=Bonn", {"name": "Same", "company_name": "Same"}).json["confirm"]
    answer = bulk(client, "city=Bonn", {"name": "Same", "company_name": "Same"}, confirm=token)
    assert answer.status_code == 409
    assert [client.get(f"/v1/customers/{known}").json["version"] for known in ids] == [1, 1]
