"""`customers:read:own` beyond lists of customers: merges, contacts, duplicates, exports, counts and changes of many."""

import itertools

import orjson
import pytest

SCOPE = "customers:write customers:export customers:purge"
ME, COLLEAGUE = 7, 8
_names = itertools.count(1)


@pytest.fixture
def confined(client_as):
    return client_as(ME, f"customers:read:own {SCOPE}")


@pytest.fixture
def colleague(client_as):
    return client_as(COLLEAGUE, f"customers:read {SCOPE}")


@pytest.fixture
def create():
    def post(client, **values):
        answer = client.post("/v1/customers", json={"name": f"Customer {next(_names)}"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    return post


def merge(client, target, *sources, path="merge"):
    body = {"from": [{"id": source["id"], "version": source["version"]} for source in sources], "fields": {}}
    return client.post(f"/v1/customers/{target['id']}/{path}", json=body, version=target["version"])


def without_request(answer):
    return answer.status_code, answer.json | {"request_id": ""}


@pytest.mark.parametrize("path", ["merge", "merge/preview"])
@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 2, 1)], ids=["source", "target", "one of two"])
def test_a_merge_with_somebody_elses_customer_is_404_as_if_it_were_not_there(confined, colleague, create, path, order):
    three = [create(confined), create(colleague), create(confined)]
    target, *sources = (three[place] for place in order)
    missing = {"id": 999_999_999, "version": 1}
    refused = without_request(merge(confined, target, *sources, path=path))
    instead = [missing if record is three[1] else record for record in (target, *sources)]
    assert refused == without_request(merge(confined, *instead, path=path))
    assert refused[0] == 404
    assert [colleague.get(f"/v1/customers/{record['id']}").json for record in three] == three


def test_ones_own_customers_are_merged_listed_and_undone(confined, colleague, create):
    target, source = create(confined), create(colleague, assigned_to=ME)
    assert merge(confined, target, source, path="merge/preview").status_code == 200
    merge_id = merge(confined, target, source).json["merge"]["id"]
    assert [row["id"] for row in confined.get("/v1/customers/merges").json["data"]] == [merge_id]
    assert confined.post(f"/v1/customers/merges/{merge_id}/undo").status_code == 200


@pytest.mark.parametrize("given", ["target", "source"])
def test_a_merge_is_out_of_sight_once_one_of_its_customers_is_somebody_elses(
    confined, colleague, create, superuser, given
):
    target, source = create(confined), create(confined)
    merge_id = merge(confined, target, source).json["merge"]["id"]
    taken = {"target": target, "source": source}[given]["id"]
    statement = "UPDATE customers SET created_by = %s, updated_at = now() WHERE id = %s"
    superuser.execute(statement, (COLLEAGUE, taken))
    assert confined.get("/v1/customers/merges?include=total").json["page"]["total"] == 0
    assert confined.get(f"/v1/customers/merges?created_by={ME}").json["data"] == []
    refused = without_request(confined.post(f"/v1/customers/merges/{merge_id}/undo"))
    assert refused == without_request(confined.post("/v1/customers/merges/999999999/undo"))
    assert refused[0] == 404
    assert [row["id"] for row in colleague.get("/v1/customers/merges").json["data"]] == [merge_id]
    assert colleague.post(f"/v1/customers/merges/{merge_id}/undo").status_code == 200
    assert confined.post(f"/v1/customers/merges/{merge_id}/undo").status_code == 404


def test_a_merge_of_others_is_not_listed(confined, colleague, create):
    merge(colleague, create(colleague), create(colleague))
    assert confined.get("/v1/customers/merges").json["data"] == []
    mine = merge(colleague, create(colleague, assigned_to=ME), create(confined)).json["merge"]["id"]
    assert [row["id"] for row in confined.get("/v1/customers/merges").json["data"]] == [mine]


def test_an_old_id_leads_to_no_customer_of_others(confined, colleague, create):
    target, source = create(colleague), create(confined)
    merge(colleague, target, source)
    assert confined.get(f"/v1/customers/{source['id']}").status_code == 404


def test_purging_ones_own_takes_no_customer_of_others_with_it(confined, colleague, create):
    target, source = create(confined), create(colleague)
    merge(colleague, target, source)
    assert confined.post(f"/v1/customers/{target['id']}/purge", version=2).status_code == 404
    assert colleague.get(f"/v1/customers/{source['id']}").json["id"] == target["id"]


def test_contacts_of_somebody_elses_customer_are_not_there(confined, colleague, create):
    customer = create(confined)
    path = f"/v1/customers/{customer['id']}/contacts"
    contact = confined.post(path, json={"first_name": "Grace", "email": "grace@example.com"}).json
    mine = f"/v1/contacts/{contact['id']}"
    assert confined.get(mine).status_code == 200
    theirs = create(colleague)
    moved = merge(colleague, theirs, customer)
    assert moved.status_code == 200
    assert confined.get(f"/v1/customers/{theirs['id']}/contacts").status_code == 404
    assert confined.post(f"/v1/customers/{theirs['id']}/contacts", json={"first_name": "Ada"}).status_code == 404
    assert confined.get(mine).status_code == 404
    assert confined.patch(mine, json={"first_name": "Ada"}, version=2).status_code == 404
    assert confined.delete(mine, version=2).status_code == 404
    assert confined.post(f"{mine}/restore").status_code == 404
    assert confined.post(f"{mine}/purge", version=2).status_code == 404
    for query in ("", f"?created_by={ME}", f"?id={contact['id']}", "?archived_at[is_null]=true"):
        assert confined.get(f"/v1/contacts{query}").json["data"] == []
    assert confined.get("/v1/contacts?include=total").json["page"]["total"] == 0


def test_exports_hold_only_ones_own(confined, colleague, create):
    mine, given = create(confined), create(colleague, assigned_to=ME)
    create(colleague)
    for query in ("", "?sort=name", "?q=customer", "?created_at[gt]=2020-01-01T00:00:00Z"):
        lines = confined.get(f"/v1/customers/export.jsonl{query}").data.splitlines()
        assert {orjson.loads(line)["id"] for line in lines} == {mine["id"], given["id"]}
    assert len(confined.get("/v1/customers/export.csv?fields=id").text.splitlines()) == 3


def test_counts_and_searches_are_of_ones_own(confined, colleague, create):
    create(confined, tags=["vip", "mine"], city="Rome")
    create(colleague, tags=["vip", "theirs"], source="fair", status="lost", assigned_to=COLLEAGUE)
    facets = confined.get("/v1/customers/facets").json
    assert facets["status"] == [{"value": "active", "count": 1}]
    assert facets["source"] == [{"value": None, "count": 1}]
    assert facets["assigned_to"] == [{"value": None, "count": 1}]
    assert facets["tag"] == [{"value": "mine", "count": 1}, {"value": "vip", "count": 1}]
    tags = confined.get("/v1/customers/tags").json["data"]
    assert tags == [{"tag": "mine", "count": 1}, {"tag": "vip", "count": 1}]
    found = confined.get("/v1/customers?q=customer&include=total").json
    assert [row["city"] for row in found["data"]] == ["Rome"]
    assert found["page"]["total"] == 1


def test_somebody_elses_duplicate_is_a_number_and_nothing_more(confined, colleague, create):
    create(colleague, email="ada@example.com", phone="+49 30 123456")
    answer = confined.post("/v1/customers/duplicates/check", json={"email": "ada@example.com"})
    assert answer.json == {"candidates": [], "hidden": 1}


def test_changes_of_many_reach_only_ones_own(confined, colleague, create):
    mine, theirs = create(confined), create(colleague)
    answer = confined.post("/v1/customers/assign", json={"ids": [mine["id"], theirs["id"]], "assigned_to": ME})
    assert [result["status"] for result in answer.json["results"]] == [200, 404]
    items = [{"action": "update", "id": theirs["id"], "version": 1, "values": {"city": "Rome"}}]
    items.append({"action": "archive", "id": theirs["id"], "version": 1})
    answer = confined.post("/v1/customers/batch", json={"items": items})
    assert [result["status"] for result in answer.json["results"]] == [404, 404]
    change = {"filter": "status=active", "changes": {"city": "Rome"}}
    counted = confined.post("/v1/customers/bulk-update", json=change).json
    assert counted["count"] == 1
    assert (
        confined.post("/v1/customers/bulk-update", json=change | {"confirm": counted["confirm"]}).json["updated"] == 1
    )
    assert colleague.get(f"/v1/customers/{theirs['id']}").json == theirs


def test_a_duplicate_that_one_may_not_see_blocks_as_well_and_stays_unseen(
    confined, colleague, create, superuser, company_id
):
    superuser.execute(
        """INSERT INTO company_refs (company_id, version, settings) VALUES (%s, 1, '{"duplicates": "block"}')""",
        (company_id,),
    )
    create(colleague, email="ada@example.com")
    refused = confined.post("/v1/customers", json={"name": "Bea", "email": "ada@example.com"})
    assert (refused.status_code, refused.json["code"]) == (409, "possible_duplicate")
    assert (refused.json["candidates"], refused.json["hidden"]) == ([], 1)
    assert confined.get("/v1/customers").json["data"] == []
