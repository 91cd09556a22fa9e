"""Tasks over HTTP: created, found, changed, archived, restored, purged."""

from datetime import UTC, datetime, timedelta

import pytest


def soon(**delta):
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def test_a_task_is_the_creators_own_and_pending_unless_it_says_otherwise(client, told):
    answer = client.post("/v1/tasks", json={"title": "Call Ada"})
    task = answer.json
    assert answer.status_code == 201
    assert (answer.headers["Location"], answer.headers["ETag"]) == (f"/v1/tasks/{task['id']}", '"1"')
    assert (task["status"], task["priority"], task["task_type"]) == ("pending", "medium", "general")
    assert (task["assigned_to"], task["created_by"]) == (7, 7)
    [event] = told()
    assert (event["type"], event["data"]["after"]) == ("crm.task.created.v1", task)
    assert client.get(f"/v1/tasks/{task['id']}").json == task


def test_an_all_day_task_comes_out_with_the_day_that_went_in(client, known):
    known.settings(7, time_zone="Europe/Berlin")
    task = client.post("/v1/tasks", json={"title": "x", "due_on": "2027-03-28"}).json
    assert (task["due_on"], task["due_time_zone"]) == ("2027-03-28", "Europe/Berlin")
    assert task["due_date"] == "2027-03-28T22:00:00+00:00"


def test_a_midnight_does_not_turn_into_a_day(client):
    task = client.post("/v1/tasks", json={"title": "x", "due_date": "2027-03-28T00:00:00Z"}).json
    assert (task["due_on"], task["due_date"]) == (None, "2027-03-28T00:00:00+00:00")


def test_the_zone_is_the_assignees_at_that_moment_else_the_companys_and_stays(client, known):
    known.company(time_zone="Asia/Kolkata")
    known.settings(8, time_zone="Pacific/Auckland")
    own = client.post("/v1/tasks", json={"title": "x", "due_on": "2027-03-05"}).json
    others = client.post("/v1/tasks", json={"title": "x", "due_on": "2027-03-05", "assigned_to": 8}).json
    assert own["due_date"] == "2027-03-05T18:30:00+00:00"
    assert others["due_date"] == "2027-03-05T11:00:00+00:00"
    moved = client.post(f"/v1/tasks/{own['id']}/assign", json={"assigned_to": 8}).json
    assert (moved["due_date"], moved["due_time_zone"]) == (own["due_date"], "Asia/Kolkata")
    path = f"/v1/tasks/{own['id']}"
    later = client.patch(path, json={"due_on": "2027-03-06"}, version=2).json
    assert (later["due_date"], later["due_time_zone"]) == ("2027-03-06T18:30:00+00:00", "Asia/Kolkata")
    there = client.patch(path, json={"due_time_zone": "Europe/Berlin"}, version=3).json
    assert (there["due_on"], there["due_date"]) == ("2027-03-06", "2027-03-06T23:00:00+00:00")
    none = client.patch(path, json={"due_on": None}, version=4).json
    assert (none["due_on"], none["due_date"], none["due_time_zone"]) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "status", "code", "pointer"),
    [
        ({"due_on": "2027-03-28", "due_date": "2027-03-28T10:00:00Z"}, 422, "due_twice", "/due_date"),
        ({"due_date": "2027-03-28"}, 422, "validation_failed", "/due_date"),
        ({"due_date": "2027-03-28T10:00:00"}, 422, "validation_failed", "/due_date"),
        ({"due_on": "2027-02-30"}, 422, "validation_failed", "/due_on"),
        ({"due_on": "9999-12-31"}, 422, "validation_failed", "/due_on"),
        ({"due_on": "2027-03-28", "due_time_zone": "Mars/Olympus"}, 422, "unknown_time_zone", "/due_time_zone"),
        ({"due_time_zone": "Europe/Berlin"}, 422, "validation_failed", "/due_time_zone"),
        ({"remind_at": "2020-01-01T00:00:00Z"}, 422, "remind_without_time", "/remind_at"),
        ({"completed_at": "2020-01-01T00:00:00Z"}, 422, "validation_failed", "/completed_at"),
        ({"status": "completed", "completed_at": "2100-01-01T00:00:00Z"}, 422, "completed_in_future", "/completed_at"),
        ({"assigned_to": 99}, 422, "unknown_user", "/assigned_to"),
        ({"customer_id": 99}, 422, "unknown_customer", "/customer_id"),
        ({"lead_id": 99}, 422, "unknown_lead", "/lead_id"),
        ({"deal_id": 99}, 422, "unknown_deal", "/deal_id"),
        ({"priority": "enormous"}, 422, "validation_failed", "/priority"),
        ({"title": " "}, 422, "validation_failed", "/title"),
    ],
)
def test_what_is_wrong_is_refused_where_it_stands_and_leaves_nothing(client, told, *, values, status, code, pointer):
    answer = client.post("/v1/tasks", json={"title": "x"} | values)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert pointer in [error["pointer"] for error in answer.json["errors"]]
    assert told() == []


def test_an_import_of_the_past_is_completed_when_it_was_and_reminds_nobody(client, known, reminders_of):
    known.settings(7, default_reminders=[{"minutes_before": 60}])
    values = {"title": "x", "status": "completed", "completed_at": "2020-01-02T03:04:05Z", "due_on": "2020-01-01"}
    task = client.post("/v1/tasks", json=values).json
    assert (task["status"], task["completed_at"]) == ("completed", "2020-01-02T03:04:05+00:00")
    assert reminders_of(task["id"]) == []


def test_a_task_belongs_to_the_customer_of_its_deal(client, known):
    known.customer(3)
    known.customer(4)
    known.deal(5, customer_id=3)
    task = client.post("/v1/tasks", json={"title": "x", "deal_id": 5}).json
    assert (task["customer_id"], task["deal_id"]) == (3, 5)
    strange = client.post("/v1/tasks", json={"title": "x", "deal_id": 5, "customer_id": 4})
    assert (strange.status_code, strange.json["code"]) == (422, "customer_mismatch")


@pytest.mark.parametrize("kind", ["customer", "lead", "deal"])
def test_nothing_new_is_made_for_what_is_archived(client, known, kind):
    getattr(known, kind)(3, archived_at="2026-01-01T00:00:00Z")
    answer = client.post("/v1/tasks", json={"title": "x", f"{kind}_id": 3})
    assert (answer.status_code, answer.json["code"]) == (409, f"{kind}_archived")


def test_a_merged_customer_gets_no_task(client, known):
    known.customer(3, merged_into=4, archived_at="2026-01-01T00:00:00Z")
    answer = client.post("/v1/tasks", json={"title": "x", "customer_id": 3})
    assert (answer.status_code, answer.json["code"]) == (409, "customer_merged")


def test_an_inactive_user_gets_no_task(client, known):
    known.user(9, is_active=False)
    answer = client.post("/v1/tasks", json={"title": "x", "assigned_to": 9})
    assert (answer.status_code, answer.json["code"]) == (422, "inactive_user")


def test_archiving_hides_a_task_and_restoring_brings_it_back(client, create, told):
    task = create(client)
    path = f"/v1/tasks/{task['id']}"
    assert client.delete(path, version=1).status_code == 204
    assert client.get("/v1/tasks").json["data"] == []
    refused = client.patch(path, json={"title": "y"}, version=2)
    assert (refused.status_code, refused.json["code"]) == (409, "task_archived")
    assert client.post(f"{path}/complete", json={}).json["code"] == "task_archived"
    assert client.post(f"{path}/restore").json["version"] == 3
    assert client.post(f"{path}/restore").json["code"] == "task_not_archived"
    assert [event["type"].split(".")[2] for event in told()] == ["created", "archived", "restored"]


def test_purging_leaves_nothing_but_the_event(client, create, told, reminders_of):
    task = create(client, due_on="2100-01-01")
    path = f"/v1/tasks/{task['id']}"
    assert client.post(f"{path}/purge", version=1).status_code == 204
    assert client.get(path).json["code"] == "task_not_found"
    assert (told()[-1]["type"], told()[-1]["data"]["after"]) == ("crm.task.purged.v1", None)
    assert reminders_of(task["id"]) == []


def test_a_change_to_what_is_there_already_is_none(client, create, told):
    task = create(client, due_on="2100-01-01", priority="high")
    values = {"due_on": "2100-01-01", "priority": "high", "status": "pending", "assigned_to": 7}
    assert client.patch(f"/v1/tasks/{task['id']}", json=values, version=1).json == task
    assert len(told()) == 1
