"""Every arrow between the states of a task, with its event, and what is refused."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

STATUSES = ("pending", "in_progress", "completed", "cancelled")
OPEN = ("pending", "in_progress")


def soon(**delta):
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def actions(told):
    return [event["type"].split(".")[2] for event in told()]


@pytest.fixture
def task_in(client, create):
    def build(status, **values):
        task = create(client, **values)
        if status != "pending":
            task = client.patch(f"/v1/tasks/{task['id']}", json={"status": status}, version=1).json
        return task

    return build


@pytest.mark.parametrize(("present", "wanted"), list(itertools.permutations(STATUSES, 2)))
def test_a_change_of_status_is_called_by_its_name(client, task_in, told, present, wanted):
    task = task_in(present)
    after = client.patch(f"/v1/tasks/{task['id']}", json={"status": wanted}, version=task["version"]).json
    expected = wanted if wanted not in OPEN else "updated" if present in OPEN else "reopened"
    assert (after["status"], actions(told)[-1]) == (wanted, expected)
    assert (after["completed_at"] is not None) is (wanted == "completed")


def test_completing_again_changes_nothing(client, task_in, told):
    task = task_in("completed")
    before = actions(told)
    again = client.post(f"/v1/tasks/{task['id']}/complete", json={"completed_at": "2020-01-01T00:00:00Z"})
    assert (again.status_code, again.json) == (200, task)
    assert client.patch(f"/v1/tasks/{task['id']}", json={"status": "completed"}, version=2).json == task
    assert actions(told) == before


def test_a_task_may_have_been_completed_before_but_not_later(client, task_in):
    path = f"/v1/tasks/{task_in('pending')['id']}/complete"
    refused = client.post(path, json={"completed_at": soon(minutes=1)})
    assert (refused.status_code, refused.json["code"]) == (422, "completed_in_future")
    done = client.post(path, json={"completed_at": "2020-01-01T00:00:00Z"}).json
    assert done["completed_at"] == "2020-01-01T00:00:00+00:00"


@pytest.mark.parametrize("present", ["completed", "cancelled"])
def test_reopening_clears_what_was_done(client, task_in, told, present):
    task = task_in(present)
    open_again = client.post(f"/v1/tasks/{task['id']}/reopen", json={"status": "in_progress"}).json
    assert (open_again["status"], open_again["completed_at"]) == ("in_progress", None)
    assert actions(told)[-1] == "reopened"


def test_what_does_not_fit_the_state_is_a_conflict(client, task_in):
    pending, done = task_in("pending"), task_in("completed", due_on="2100-01-01")
    assert client.post(f"/v1/tasks/{pending['id']}/reopen", json={}).json["code"] == "task_open"
    late = client.post(f"/v1/tasks/{done['id']}/snooze", json={"until_date": "2100-01-02"})
    assert (late.status_code, late.json["code"]) == (409, "task_closed")


def test_snoozing_moves_due_and_reminder_alike(client, task_in, told):
    remind = soon(days=1)
    task = task_in("pending", due_date=soon(days=2), remind_at=remind)
    moved = client.post(f"/v1/tasks/{task['id']}/snooze", json={"until": soon(days=9)}).json
    assert actions(told)[-1] == "updated"
    shift = datetime.fromisoformat(moved["due_date"]) - datetime.fromisoformat(task["due_date"])
    assert datetime.fromisoformat(moved["remind_at"]) - datetime.fromisoformat(remind) == shift
    day = task_in("pending", due_on="2100-03-28", due_time_zone="Europe/Berlin")
    moved = client.post(f"/v1/tasks/{day['id']}/snooze", json={"until_date": "2100-03-29"}).json
    assert (moved["due_on"], moved["due_time_zone"]) == ("2100-03-29", "Europe/Berlin")


@pytest.mark.parametrize(
    ("values", "body"),
    [
        ({"due_on": "2100-01-01"}, {"until": "2100-01-02T00:00:00Z"}),
        ({"due_date": "2100-01-01T00:00:00Z"}, {"until_date": "2100-01-02"}),
        ({"due_date": "2100-01-01T00:00:00Z"}, {}),
        ({"due_on": "2100-01-01"}, {"until": "2100-01-02T00:00:00Z", "until_date": "2100-01-02"}),
        ({}, {"until_date": "2100-01-02"}),
    ],
)
def test_a_task_is_put_off_in_its_own_kind(client, task_in, values, body):
    task = task_in("pending", **values)
    answer = client.post(f"/v1/tasks/{task['id']}/snooze", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "kind_of_due")


LOOKING = "tasks:read"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/complete", {}),
        ("/cancel", None),
        ("/snooze", {"until_date": "2100-01-02"}),
        ("", {"status": "in_progress"}),
        ("", {"status": "completed"}),
    ],
)
def test_who_only_reads_moves_their_own_tasks_along_and_no_others(
    client, client_of, company_id, known, *, create, path, body
):
    mine = create(client, assigned_to=8, due_on="2100-01-01")
    others = create(client, due_on="2100-01-01")
    looking = client_of(company_id, LOOKING, user_id=8)

    def send(task):
        url = f"/v1/tasks/{task['id']}{path}"
        return looking.post(url, json=body) if path else looking.patch(url, json=body, version=1)

    assert send(mine).status_code == 200
    refused = send(others)
    assert (refused.status_code, refused.json["code"]) == (403, "permission_missing")


def test_who_only_reads_changes_nothing_else_of_their_own_tasks(client, client_of, company_id, known, create):
    mine = create(client, assigned_to=8)
    looking = client_of(company_id, LOOKING, user_id=8)
    path = f"/v1/tasks/{mine['id']}"
    assert looking.patch(path, json={"status": "completed", "title": "y"}, version=1).status_code == 403
    assert looking.post(f"{path}/assign", json={"assigned_to": 7}).status_code == 403
    assert looking.post("/v1/tasks", json={"title": "x"}).status_code == 403
