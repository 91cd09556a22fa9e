"""Notifications and settings: each user's own, whatever others do."""

import pytest


@pytest.fixture
def other(client_of, company_id, known):
    return client_of(company_id, user_id=8)


def kinds(client, query=""):
    answer = client.get(f"/v1/notifications{query}")
    assert answer.status_code == 200, answer.json
    return [row["kind"] for row in answer.json["data"]]


def test_who_is_given_a_task_is_told_and_not_who_gave_it(client, other, create):
    task = create(client, assigned_to=8)
    assert kinds(client) == []
    [told] = other.get("/v1/notifications").json["data"]
    assert (told["kind"], told["subject_table"], told["subject_id"]) == ("task_assigned", "tasks", task["id"])
    assert told["title"] == task["title"]
    client.post(f"/v1/tasks/{task['id']}/assign", json={"assigned_to": 7})
    assert kinds(client) == []
    other.post(f"/v1/tasks/{task['id']}/assign", json={"assigned_to": 8})
    assert kinds(other) == ["task_assigned"]


def test_reading_all_marks_what_was_seen_and_no_newer_one(client, other, create):
    for _ in range(3):
        create(client, assigned_to=8)
    seen = [row["id"] for row in other.get("/v1/notifications?limit=2").json["data"]]
    assert other.get("/v1/notifications/unread-count").json == {"unread": 3}
    assert other.post("/v1/notifications/read-all", json={"up_to_id": seen[1]}).json == {"read": 2}
    assert other.get("/v1/notifications/unread-count").json == {"unread": 1}
    assert other.post(f"/v1/notifications/{seen[0]}/read").status_code == 204
    assert other.get("/v1/notifications/unread-count").json == {"unread": 0}
    assert kinds(other, "?read_at[is_null]=true") == []


def test_nobody_reads_anothers(client, other, create):
    create(client, assigned_to=8)
    [told] = other.get("/v1/notifications").json["data"]
    assert client.post(f"/v1/notifications/{told['id']}/read").status_code == 404
    assert client.post("/v1/notifications/read-all", json={"up_to_id": told["id"]}).json == {"read": 0}
    assert other.get("/v1/notifications/unread-count").json == {"unread": 1}


def test_settings_are_those_of_everybody_until_somebody_sets_them(client, other, told):
    before = client.get("/v1/notification-settings")
    assert (before.json["day_starts_at"], before.json["digest"], before.headers["ETag"]) == ("09:00:00", False, '"0"')
    values = {"time_zone": "Europe/Berlin", "default_reminders": [{"minutes_before": 30}], "day_starts_at": "08:30"}
    after = client.patch("/v1/notification-settings", json=values, version=0)
    assert (after.status_code, after.json["version"], after.json["day_starts_at"]) == (200, 1, "08:30:00")
    assert client.patch("/v1/notification-settings", json={"digest": True}, version=0).status_code == 412
    assert client.patch("/v1/notification-settings", json={"digest": True}).json["version"] == 2
    assert client.patch("/v1/notification-settings", json={"digest": True}).json["version"] == 2
    assert other.get("/v1/notification-settings").json["time_zone"] is None
    assert [event["type"].split(".")[2] for event in told()] == ["created", "updated"]


@pytest.mark.parametrize(
    "values",
    [
        {"time_zone": "Mars/Olympus"},
        {"day_starts_at": "25:00"},
        {"default_reminders": [{"minutes_before": -1}]},
        {"digest_days": [1, 1]},
        {"digest_days": [8]},
        {"digest_at": 9},
    ],
)
def test_what_makes_no_sense_is_refused(client, values):
    assert client.patch("/v1/notification-settings", json=values).status_code == 422
    assert client.get("/v1/notification-settings").json["version"] == 0


def test_two_who_set_first_at_once_make_one(client_of, company_id, known, at_once):
    def change(digest_at):
        return lambda: (
            client_of(company_id).patch("/v1/notification-settings", json={"digest_at": digest_at}).status_code
        )

    assert at_once(change("07:00"), change("08:30")) == [200, 200]
    assert client_of(company_id).get("/v1/notification-settings").json["version"] == 2
