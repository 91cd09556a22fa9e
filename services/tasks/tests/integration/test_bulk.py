"""Many tasks at once: batches, changes by filter, facets, exports."""

import csv
import io

import orjson


def test_each_item_of_a_batch_succeeds_or_fails_by_itself(client, create, told):
    ids = [create(client)["id"] for _ in range(4)]
    done = create(client, status="completed")
    items = [
        {"action": "create", "values": {"title": "New", "due_on": "2100-01-01"}},
        {"action": "update", "id": ids[0], "version": 1, "values": {"priority": "urgent"}},
        {"action": "complete", "id": ids[1], "version": 1},
        {"action": "reopen", "id": done["id"], "version": 1},
        {"action": "archive", "id": ids[2], "version": 1},
        {"action": "complete", "id": ids[3], "version": 9},
        {"action": "reopen", "id": ids[3], "version": 1},
    ]
    answer = client.post("/v1/tasks/batch", json={"items": items}).json
    assert [result["status"] for result in answer["results"]] == [201, 200, 200, 200, 204, 412, 409]
    assert [event["type"].split(".")[2] for event in told()][5:] == [
        "created",
        "updated",
        "completed",
        "reopened",
        "archived",
    ]


def test_completing_in_bulk_what_is_completed_changes_nothing(client, create, told):
    task = create(client, status="completed")
    count = len(told())
    items = [{"action": "complete", "id": task["id"], "version": 1}]
    assert client.post("/v1/tasks/batch", json={"items": items}).json["results"][0]["record"] == task
    assert len(told()) == count


def test_what_is_overdue_is_changed_at_once(client, create):
    create(client, due_on="2020-01-01")
    create(client, due_on="2020-01-02")
    create(client, due_on="2100-01-01")
    body = {"filter": "due=overdue", "changes": {"priority": "urgent"}}
    asked = client.post("/v1/tasks/bulk-update", json=body).json
    assert asked["count"] == 2
    done = client.post("/v1/tasks/bulk-update", json=body | {"confirm": asked["confirm"]}).json
    assert done["updated"] == 2
    assert len(client.get("/v1/tasks?priority=urgent").json["data"]) == 2


def test_facets_count_what_is_live(client, create):
    create(client, priority="urgent")
    create(client, task_type="call")
    gone = create(client)
    client.delete(f"/v1/tasks/{gone['id']}", version=1)
    facets = client.get("/v1/tasks/facets").json
    assert facets["status"] == [{"value": "pending", "count": 2}]
    assert {entry["value"]: entry["count"] for entry in facets["priority"]} == {"medium": 1, "urgent": 1}
    assert facets["assigned_to"] == [{"value": 7, "count": 2}]


def test_a_facet_counts_the_open_tasks_by_when_they_are_due_as_the_list_does(
    client, client_of, company_id, known, create
):
    for due in ("2020-01-01", "2020-01-02", "2100-01-01"):
        create(client, due_on=due)
    create(client)
    create(client, due_on="2020-01-03", status="completed")
    create(client, due_on="2020-01-03", assigned_to=8)
    gone = create(client, due_on="2020-01-04")
    client.delete(f"/v1/tasks/{gone['id']}", version=1)
    facets = client.get("/v1/tasks/facets?time_zone=Asia/Kolkata").json
    assert facets["due"] == [
        {"value": "overdue", "count": 3},
        {"value": "later", "count": 1},
        {"value": "none", "count": 1},
    ]
    for entry in facets["due"]:
        assert len(client.get(f"/v1/tasks?due={entry['value']}").json["data"]) == entry["count"]
    mine = client_of(company_id, "tasks:read:own").get("/v1/tasks/facets").json
    assert {entry["value"]: entry["count"] for entry in mine["due"]} == {"overdue": 3, "later": 1, "none": 1}
    assert client.get("/v1/tasks/facets?time_zone=Mars").json["code"] == "unknown_time_zone"


def test_an_export_has_what_the_list_has_and_is_noted(client, create, told):
    create(client, title="late", due_on="2020-01-01")
    create(client, title="=later", due_on="2100-01-01")
    text = client.get("/v1/tasks/export.csv?open=true&fields=id,title,due_on").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["title"], row["due_on"]) for row in rows] == [("late", "2020-01-01"), ("'=later", "2100-01-01")]
    lines = client.get("/v1/tasks/export.jsonl?due=overdue").data.splitlines()
    assert [orjson.loads(line)["title"] for line in lines] == ["late"]
    assert [event["data"]["after"]["format"] for event in told() if "export" in event["type"]] == ["csv", "jsonl"]
