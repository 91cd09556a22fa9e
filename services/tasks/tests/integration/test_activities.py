"""Activities: logged, changed, followed up once; those that events write are not changed at all."""

from datetime import UTC, datetime, timedelta

import pytest

from chassis.testing.days import day


@pytest.fixture
def log(client, known):
    known.customer(3)

    def build(**values):
        body = {"activity_type": "call", "title": "About the offer", "customer_id": 3} | values
        answer = client.post("/v1/activities", json=body)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build


@pytest.fixture
def follow_ups(client):
    return lambda: client.get("/v1/tasks?follow_up_of[is_null]=false&limit=100").json["data"]


def test_an_activity_is_the_actors_own_and_of_now(log, told):
    activity = log(duration_minutes=15, outcome="Wants a discount")
    assert (activity["user_id"], activity["customer_id"], activity["outcome"]) == (7, 3, "Wants a discount")
    assert abs(datetime.fromisoformat(activity["activity_date"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert [(event["type"], event["data"]["after"]) for event in told()] == [("crm.activity.created.v1", activity)]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"customer_id": None}, "activity_without_subject"),
        ({"activity_date": "2100-01-01T00:00:00Z"}, "activity_in_future"),
        ({"activity_type": "status_change"}, "validation_failed"),
        ({"duration_minutes": 0}, "validation_failed"),
        ({"user_id": 99}, "unknown_user"),
        ({"task_id": 2**40}, "unknown_task"),
        ({"deal_id": 99}, "unknown_deal"),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_nothing(client, known, told, values, code):
    known.customer(3)
    body = {"activity_type": "call", "title": "x", "customer_id": 3} | values
    answer = client.post("/v1/activities", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert told() == []


def test_only_who_may_logs_for_others(client, client_of, company_id, known, log):
    rep = client_of(company_id, "activities:read activities:write")
    known.customer(4)
    body = {"activity_type": "call", "title": "x", "customer_id": 4, "user_id": 8}
    assert rep.post("/v1/activities", json=body).status_code == 403
    assert client.post("/v1/activities", json=body).json["user_id"] == 8


def test_only_its_user_changes_an_activity_unless_one_may_change_others(client_of, company_id, log):
    activity = log()
    other = client_of(company_id, "activities:read activities:write", user_id=8)
    path = f"/v1/activities/{activity['id']}"
    assert other.patch(path, json={"outcome": "x"}, version=1).status_code == 403
    assert other.delete(path, version=1).status_code == 403
    boss = client_of(company_id, "activities:read activities:write activities:write:all", user_id=8)
    assert boss.patch(path, json={"outcome": "x"}, version=1).json["outcome"] == "x"


def test_an_activity_is_archived_restored_and_purged(client, log, told):
    path = f"/v1/activities/{log()['id']}"
    assert client.delete(path, version=1).status_code == 204
    assert client.get("/v1/activities").json["data"] == []
    assert client.patch(path, json={"outcome": "x"}, version=2).json["code"] == "activity_archived"
    assert client.post(f"{path}/restore").status_code == 200
    assert client.post(f"{path}/purge", version=3).status_code == 204
    assert [event["type"].split(".")[2] for event in told()] == ["created", "archived", "restored", "purged"]


def test_a_date_to_follow_up_makes_one_task(log, follow_ups):
    activity = log(follow_up_date=day(3), activity_type="meeting", title="x" * 255)
    [task] = follow_ups()
    assert activity["follow_up_task_id"] == task["id"]
    assert (task["due_on"], task["task_type"], task["customer_id"]) == (day(3), "meeting", 3)
    assert (task["assigned_to"], task["follow_up_of"]) == (7, activity["id"])
    assert task["title"] == ("Follow up: " + "x" * 255)[:255]


def test_logging_the_past_makes_no_work(log, follow_ups):
    assert log(follow_up_date=day(-1))["follow_up_task_id"] is None
    assert follow_ups() == []


def test_an_untouched_follow_up_moves_with_its_date_and_goes_with_it(client, log, follow_ups):
    path = f"/v1/activities/{log(follow_up_date=day(3))['id']}"
    client.patch(path, json={"outcome": "x"}, version=1)
    assert follow_ups()[0]["version"] == 1
    client.patch(path, json={"follow_up_date": day(5)}, version=2)
    assert [task["due_on"] for task in follow_ups()] == [day(5)]
    client.patch(path, json={"follow_up_date": None}, version=3)
    assert [task["status"] for task in follow_ups()] == ["cancelled"]


@pytest.mark.parametrize("touch", ["complete", "move", "archive", "purge"])
def test_a_follow_up_that_was_touched_stays_and_there_is_no_second(client, log, follow_ups, touch):
    activity = log(follow_up_date=day(3))
    task = f"/v1/tasks/{activity['follow_up_task_id']}"
    if touch == "complete":
        client.post(f"{task}/complete", json={})
    elif touch == "move":
        client.patch(task, json={"due_on": day(4)}, version=1)
    elif touch == "archive":
        client.delete(task, version=1)
    else:
        assert client.post(f"{task}/purge", version=1).status_code == 204
    before = [(row["id"], row["version"]) for row in follow_ups()]
    path = f"/v1/activities/{activity['id']}"
    now = client.get(path).json
    assert client.patch(path, json={"follow_up_date": day(9)}, version=now["version"]).status_code == 200
    assert [(row["id"], row["version"]) for row in follow_ups()] == before


def test_a_date_given_later_makes_the_task_if_there_never_was_one(client, log, follow_ups):
    path = f"/v1/activities/{log()['id']}"
    after = client.patch(path, json={"follow_up_date": day(2)}, version=1).json
    assert [task["id"] for task in follow_ups()] == [after["follow_up_task_id"]]


def test_two_who_set_a_date_at_once_make_one_task(client_of, company_id, log, follow_ups, at_once):
    path = f"/v1/activities/{log()['id']}"

    def change(count):
        return lambda: client_of(company_id).patch(path, json={"follow_up_date": day(count)}, version=1).status_code

    assert sorted(at_once(change(2), change(3))) == [200, 412]
    assert len(follow_ups()) == 1


def test_a_completion_is_logged_in_one_go(client, known, create, told):
    known.customer(3)
    task = create(client, customer_id=3, task_type="call")
    body = {"activity": {"outcome": "Agreed", "duration_minutes": 5, "follow_up_date": day(1)}}
    done = client.post(f"/v1/tasks/{task['id']}/complete", json=body).json
    [activity] = client.get("/v1/activities").json["data"]
    assert (activity["activity_type"], activity["task_id"], activity["outcome"]) == ("call", task["id"], "Agreed")
    assert activity["activity_date"] == done["completed_at"]
    client.post(f"/v1/tasks/{task['id']}/complete", json=body)
    assert len(client.get("/v1/activities").json["data"]) == 1
    assert [event["type"].split(".")[1] for event in told()] == ["task", "task", "task", "activity"]


def test_a_completion_about_nobody_is_not_logged_and_nothing_is_completed(client, create):
    task = create(client)
    answer = client.post(f"/v1/tasks/{task['id']}/complete", json={"activity": {}})
    assert (answer.status_code, answer.json["code"]) == (422, "activity_without_subject")
    assert client.get(f"/v1/tasks/{task['id']}").json["status"] == "pending"


def test_what_an_event_has_written_is_changed_by_nobody(client, known, superuser, company_id):
    known.customer(3)
    [(number,)] = superuser.execute(
        "INSERT INTO activities (company_id, activity_type, title, customer_id, change)"
        " VALUES (%s, 'status_change', 'x', 3, '{}') RETURNING id",
        (company_id,),
    ).fetchall()
    path = f"/v1/activities/{number}"
    for answer in (
        client.patch(path, json={"title": "y"}, version=1),
        client.delete(path, version=1),
        client.post(f"{path}/purge", version=1),
    ):
        assert (answer.status_code, answer.json["code"]) == (409, "activity_immutable")


def test_a_note_is_ones_own_by_its_user_or_by_all_that_it_is_about(client, client_of, company_id, known):
    known.customer(3, assigned_to=8)
    known.deal(5, customer_id=3, assigned_to=7)
    known.deal(6, customer_id=3, assigned_to=8)
    for title, values in {
        "on my customer": {"customer_id": 3},
        "on a colleague's deal": {"deal_id": 5},
        "on my deal": {"deal_id": 6},
    }.items():
        client.post("/v1/activities", json={"activity_type": "note", "title": title} | values)
    own = client_of(company_id, "activities:read:own activities:write", user_id=8)
    mine = own.post("/v1/activities", json={"activity_type": "note", "title": "mine", "deal_id": 5}).json
    shown = {row["title"]: row["id"] for row in own.get("/v1/activities").json["data"]}
    assert set(shown) == {"on my customer", "on my deal", "mine"}
    assert own.get(f"/v1/activities/{mine['id']}").status_code == 200
    hidden = {row["id"] for row in client.get("/v1/activities").json["data"]} - set(shown.values())
    assert [own.get(f"/v1/activities/{number}").status_code for number in hidden] == [404]
