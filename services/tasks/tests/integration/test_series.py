"""Recurring tasks: the next one is made with the end of the present one, once."""

from datetime import UTC, date, datetime, timedelta

import pytest

from chassis.testing.days import day


@pytest.fixture
def recurring(client, create):
    def build(rrule="FREQ=DAILY", *, due_on=None, basis="schedule", **values):
        recurrence = {"rrule": rrule, "basis": basis}
        return create(client, due_on=due_on or day(1), recurrence=recurrence, **values)

    return build


@pytest.fixture
def occurrences(client):
    def read(series_id):
        rows = client.get(f"/v1/tasks?series_id={series_id}&sort=created_at&archived_at[is_null]=true").json["data"]
        return [(row["occurrence"], row["status"]) for row in rows]

    return read


def path_of(task):
    return f"/v1/tasks/{task['id']}"


def test_a_recurring_task_begins_a_series(client, recurring, told):
    task = recurring(title="Report", priority="high")
    series = client.get(f"/v1/task-series/{task['series_id']}").json
    assert (task["occurrence"], series["rrule"], series["all_day"]) == (day(1), "FREQ=DAILY", True)
    assert series["template"] == {
        "title": "Report",
        "description": None,
        "task_type": "general",
        "priority": "high",
        "remind_before": None,
    }
    assert [event["type"] for event in told()] == ["crm.task_series.created.v1", "crm.task.created.v1"]


@pytest.mark.parametrize("end", ["complete", "cancel", "archive", "purge"])
def test_the_end_of_one_task_makes_the_next(client, recurring, occurrences, end):
    task = recurring()
    if end == "archive":
        client.delete(path_of(task), version=1)
    elif end == "purge":
        client.post(f"{path_of(task)}/purge", version=1)
    else:
        client.post(f"{path_of(task)}/{end}", json={})
    assert occurrences(task["series_id"])[-1] == (day(2), "pending")


def test_complete_reopen_complete_makes_one(client, recurring, occurrences):
    task = recurring()
    for _ in range(3):
        client.post(f"{path_of(task)}/complete", json={})
        client.post(f"{path_of(task)}/reopen", json={})
    client.post(f"{path_of(task)}/complete", json={})
    assert occurrences(task["series_id"]) == [(day(1), "completed"), (day(2), "pending")]


def test_two_who_complete_at_once_make_one(client_of, company_id, recurring, occurrences, at_once):
    task = recurring()
    complete = [lambda: client_of(company_id).post(f"{path_of(task)}/complete", json={}).status_code] * 4
    assert set(at_once(*complete)) == {200}
    assert occurrences(task["series_id"]) == [(day(1), "completed"), (day(2), "pending")]


def test_what_was_missed_is_passed_over(client, recurring, occurrences):
    task = recurring(due_on=day(-9), due_time_zone="UTC")
    client.post(f"{path_of(task)}/complete", json={})
    assert occurrences(task["series_id"])[-1] == (day(0), "pending")


def test_by_completion_the_rule_runs_from_that_day(client, recurring, occurrences):
    task = recurring("FREQ=DAILY;INTERVAL=3", basis="completion", due_on=day(-9), due_time_zone="UTC")
    client.post(f"{path_of(task)}/complete", json={})
    assert occurrences(task["series_id"])[-1] == (day(3), "pending")


def test_the_last_of_a_series_ends_it(client, recurring, told):
    task = recurring("FREQ=DAILY;COUNT=2")
    client.post(f"{path_of(task)}/complete", json={})
    [last] = client.get(f"/v1/tasks?series_id={task['series_id']}&open=true").json["data"]
    client.post(f"{path_of(last)}/complete", json={})
    assert client.get(f"/v1/tasks?series_id={task['series_id']}&open=true").json["data"] == []
    assert client.get(f"/v1/task-series/{task['series_id']}").json["ended_at"] is not None
    assert told()[-1]["type"] == "crm.task_series.ended.v1"


def test_the_next_task_has_its_reminders_as_far_before(client, recurring, reminders_of):
    due = datetime.fromisoformat(day(2)).replace(tzinfo=UTC)
    task = recurring(due_on=day(1), due_time_zone="UTC", remind_at=(due - timedelta(hours=5)).isoformat())
    client.post(f"{path_of(task)}/complete", json={})
    [following] = client.get(f"/v1/tasks?series_id={task['series_id']}&open=true").json["data"]
    assert reminders_of(following["id"]) == [
        ("remind_at", None, due + timedelta(hours=19), "waiting"),
        ("overdue", None, due + timedelta(days=1), "waiting"),
    ]


@pytest.mark.parametrize("gone", [[8], [7, 8]])
def test_without_an_active_assignee_the_series_ends_and_its_creator_is_told_if_they_are_there(
    client, client_of, company_id, *, known, recurring, superuser, gone
):
    task = recurring(assigned_to=8)
    superuser.execute(
        "UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = ANY (%s)", (company_id, gone)
    )
    worker = client_of(company_id, user_id=9)
    known.user(9)
    assert worker.post(f"{path_of(task)}/complete", json={}).status_code == 200
    assert client.get(f"/v1/task-series/{task['series_id']}").json["ended_at"] is not None
    query = "SELECT user_id, subject_id FROM notifications WHERE company_id = %s AND kind = 'series_ended'"
    assert superuser.execute(query, (company_id,)).fetchall() == [(7, task["series_id"])][: 2 - len(gone)]


def test_a_change_of_the_series_holds_for_later_tasks_and_for_the_open_one_if_so_wished(client, recurring):
    task = recurring(title="Old")
    path = f"/v1/task-series/{task['series_id']}"
    assert client.patch(path, json={"title": "New"}, version=1).json["version"] == 2
    assert client.get(path_of(task)).json["title"] == "Old"
    assert client.patch(path, json={"priority": "low", "apply_to_open": True}, version=2).status_code == 200
    assert client.get(path_of(task)).json["priority"] == "low"
    client.post(f"{path_of(task)}/complete", json={})
    [following] = client.get(f"/v1/tasks?series_id={task['series_id']}&open=true").json["data"]
    assert (following["title"], following["priority"]) == ("New", "low")


def test_a_change_of_one_task_is_of_that_task_alone(client, recurring, occurrences):
    task = recurring()
    client.patch(path_of(task), json={"due_on": day(5), "title": "Once"}, version=1)
    client.post(f"{path_of(task)}/complete", json={})
    assert occurrences(task["series_id"]) == [(day(1), "completed"), (day(2), "pending")]


def test_a_stopped_series_keeps_its_open_task_and_makes_no_other(client, recurring, occurrences):
    task = recurring()
    path = f"/v1/task-series/{task['series_id']}"
    assert client.post(f"{path}/stop").status_code == 200
    again = client.post(f"{path}/stop")
    assert (again.status_code, again.json["code"]) == (409, "series_ended")
    assert client.patch(path, json={"title": "y"}, version=2).json["code"] == "series_ended"
    client.post(f"{path_of(task)}/complete", json={})
    assert occurrences(task["series_id"]) == [(day(1), "completed")]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"recurrence": {"rrule": "FREQ=SECONDLY"}, "due_on": "2100-01-01"}, "invalid_rrule"),
        ({"recurrence": {"rrule": "FREQ=WEEKLY;BYDAY=MO"}, "due_on": "2100-01-01"}, "due_unfit_for_rule"),
        ({"recurrence": {"rrule": "FREQ=DAILY"}}, "due_unfit_for_rule"),
    ],
)
def test_a_rule_that_does_not_fit_is_refused_and_leaves_nothing(client, told, values, code):
    answer = client.post("/v1/tasks", json={"title": "x"} | values)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert told() == []


def test_the_next_occurrence_is_named_to_who_was_off(client):
    body = {"title": "x", "recurrence": {"rrule": "FREQ=WEEKLY;BYDAY=MO"}, "due_on": "2100-01-01"}
    assert client.post("/v1/tasks", json=body).json["next"] == "2100-01-04"
    assert date(2100, 1, 4).weekday() == 0
