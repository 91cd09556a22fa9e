"""Reminders fire once: with two workers, after a kill, whatever the task has become by then."""

from datetime import UTC, datetime, timedelta
from threading import Event as Flag

import pytest

from chassis.testing.waiting import wait_until
from tasks import handlers
from tasks.commands import firing

FORK = """
import sys
from threading import Event
from chassis.db.session import Database
from tasks.handlers import fire_reminders
database = Database(sys.argv[1])
print("begun", flush=True)
while True:
    fire_reminders(database, Event())
"""


def at(**delta):
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


@pytest.fixture
def notifications(superuser, company_id):
    def read():
        query = "SELECT user_id, kind, subject_id FROM notifications WHERE company_id = %s ORDER BY id"
        return superuser.execute(query, (company_id,)).fetchall()

    return read


@pytest.fixture
def due(client, create, superuser):
    """A task whose reminders lie some time back, as if it had been made before."""

    def build(by, kinds=("overdue",), **values):
        task = create(client, due_date=at(days=1), **values)
        superuser.execute(
            "UPDATE reminders SET fire_at = now() - %s, updated_at = now() - %s WHERE task_id = %s AND kind = ANY (%s)",
            (by, by, task["id"], list(kinds)),
        )
        return task

    return build


@pytest.fixture
def work(database):
    return lambda: handlers.fire_reminders(database, Flag())


MINUTE = timedelta(minutes=1)


def test_a_reminder_tells_its_assignee_once(due, work, notifications, told, reminders_of):
    task = due(MINUTE)
    work()
    work()
    assert notifications() == [(7, "overdue", task["id"])]
    [event] = [event for event in told() if event["type"] == "crm.reminder.fired.v1"]
    assert (event["data"]["after"]["task_id"], event["data"]["after"]["state"]) == (task["id"], "fired")
    assert [state for *_, state in reminders_of(task["id"])] == ["fired"]


def test_firing_changes_no_task(client, due, work):
    task = due(MINUTE)
    work()
    assert client.get(f"/v1/tasks/{task['id']}").json == task


def test_what_the_person_set_for_themselves_tells_them_alone(
    client, client_of, company_id, *, known, create, work, superuser, notifications
):
    task = create(client, due_date=at(days=1))
    other = client_of(company_id, "tasks:read", user_id=8)
    path = f"/v1/tasks/{task['id']}/reminders"
    made = other.post(path, json={"minutes_before": 30})
    assert made.status_code == 201, made.json
    assert client.get(path).json["data"] == []
    assert [row["id"] for row in other.get(path).json["data"]] == [made.json["id"]]
    assert client.delete(f"{path}/{made.json['id']}").status_code == 404
    superuser.execute("UPDATE reminders SET fire_at = now() WHERE id = %s", (made.json["id"],))
    work()
    assert notifications() == [(8, "reminder", task["id"])]
    assert other.delete(f"{path}/{made.json['id']}").status_code == 204


@pytest.mark.parametrize("reason", ["late", "inactive", "customer", "done behind"])
def test_what_does_not_hold_any_more_is_told_to_nobody(
    due, work, known, *, superuser, notifications, reminders_of, reason
):
    known.customer(3)
    task = due(timedelta(hours=25) if reason == "late" else MINUTE, customer_id=3)
    if reason == "inactive":
        superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s", (task["company_id"],))
    elif reason == "customer":
        superuser.execute("UPDATE customer_refs SET archived_at = now() WHERE company_id = %s", (task["company_id"],))
    elif reason == "done behind":
        superuser.execute("UPDATE tasks SET status = 'cancelled' WHERE id = %s", (task["id"],))
    work()
    assert notifications() == []
    assert [state for *_, state in reminders_of(task["id"])] == ["skipped"]


def test_what_was_past_when_it_was_computed_fires_at_once_however_long_ago_that_is(
    client, known, create, work, *, notifications, reminders_of
):
    known.settings(7, default_reminders=[{"days_before": 7}])
    soon = create(client, due_date=at(days=2))
    moved = create(client, due_date=at(days=30))
    client.patch(f"/v1/tasks/{moved['id']}", json={"due_date": at(days=3)}, version=1)
    work()
    work()
    # Several at a time are served: in which order is not promised.
    assert sorted(notifications()) == [(7, "reminder", soon["id"]), (7, "reminder", moved["id"])]
    for task in (soon, moved):
        assert [state for *_, state in reminders_of(task["id"])] == ["fired", "waiting"]


def test_one_that_fails_holds_up_no_other_and_is_tried_again_three_times(
    due, work, notifications, superuser, monkeypatch
):
    bad, good = due(2 * MINUTE), due(MINUTE)
    plain = firing.notify

    def notify(session, user_id, kind, subject, title, **more):
        if subject[1] == bad["id"]:
            raise RuntimeError("no")
        return plain(session, user_id, kind, subject, title, **more)

    monkeypatch.setattr(firing, "notify", notify)
    query = "SELECT state, attempts, next_attempt_at - now() FROM reminders WHERE task_id = %s"
    for attempt, minutes in enumerate((1, 5, 30), 1):
        work()
        state, attempts, wait = superuser.execute(query, (bad["id"],)).fetchone()
        assert (state, attempts) == ("waiting", attempt)
        assert timedelta(minutes=minutes) - wait < timedelta(seconds=30)
        superuser.execute("UPDATE reminders SET next_attempt_at = now() WHERE task_id = %s", (bad["id"],))
    work()
    assert superuser.execute(query, (bad["id"],)).fetchone()[0] == "skipped"
    assert notifications() == [(7, "overdue", good["id"])]


def test_two_workers_tell_everybody_once(due, work, notifications, at_once):
    tasks = [due(MINUTE) for _ in range(30)]
    at_once(work, work)
    work()
    assert sorted(subject for *_, subject in notifications()) == sorted(task["id"] for task in tasks)


def test_a_worker_that_is_killed_leaves_none_out_and_tells_nobody_twice(
    urls, due, work, *, notifications, until_released, told, programs
):
    tasks = [due(MINUTE) for _ in range(60)]
    while len(notifications()) < 40:
        before = len(notifications())
        worker = programs.start("-c", FORK, urls.app)
        try:
            assert worker.stdout.readline() == b"begun\n"
            wait_until(lambda wanted=before + 10: len(notifications()) >= wanted, 60, pause=0.002)
        finally:
            worker.end()
    until_released()
    work()
    assert sorted(subject for *_, subject in notifications()) == sorted(task["id"] for task in tasks)
    fired = [event["subject"] for event in told() if event["type"] == "crm.reminder.fired.v1"]
    assert len(fired) == len(set(fired)) == 60
