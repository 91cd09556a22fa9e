"""Reminders stay in step with their task: planned, moved, silenced, woken."""

from datetime import UTC, datetime, timedelta

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


def at(**delta):
    return (NOW + timedelta(**delta)).isoformat()


def states(rows):
    return [(kind, state) for kind, _, _, state in rows]


def test_a_task_reminds_as_its_assignee_wants_it(client, known, create, reminders_of):
    known.settings(8, default_reminders=[{"minutes_before": 60}, {"days_before": 1}], time_zone="Europe/Berlin")
    task = create(client, assigned_to=8, due_on="2100-03-29", remind_at="2100-03-01T00:00:00Z")
    assert reminders_of(task["id"]) == [
        ("remind_at", None, datetime(2100, 3, 1, tzinfo=UTC), "waiting"),
        ("default", None, datetime(2100, 3, 28, 7, tzinfo=UTC), "waiting"),
        ("default", None, datetime(2100, 3, 29, 6, tzinfo=UTC), "waiting"),
        ("overdue", None, datetime(2100, 3, 29, 22, tzinfo=UTC), "waiting"),
    ]


def test_a_moved_due_date_moves_its_reminders_and_takes_up_what_the_assignee_wants_now(
    client, known, create, *, reminders_of, superuser, company_id
):
    known.settings(7, default_reminders=[{"minutes_before": 60}])
    task = create(client, due_date=at(days=2))
    superuser.execute(
        "UPDATE user_settings SET default_reminders = %s WHERE company_id = %s",
        ('[{"minutes_before": 30}]', company_id),
    )
    client.patch(f"/v1/tasks/{task['id']}", json={"due_date": at(days=5)}, version=1)
    assert reminders_of(task["id"]) == [
        ("default", None, NOW + 5 * DAY - timedelta(minutes=30), "waiting"),
        ("overdue", None, NOW + 5 * DAY, "waiting"),
    ]
    client.patch(f"/v1/tasks/{task['id']}", json={"due_date": None}, version=2)
    assert reminders_of(task["id"]) == []


def test_a_meeting_moved_to_earlier_still_reminds_and_an_old_one_does_not(client, known, create, reminders_of):
    known.settings(7, default_reminders=[{"minutes_before": 60}])
    soon, past = create(client, due_date=at(minutes=30)), create(client, due_date=at(days=-1))
    assert states(reminders_of(soon["id"])) == [("default", "waiting"), ("overdue", "waiting")]
    assert states(reminders_of(past["id"])) == [("default", "skipped"), ("overdue", "skipped")]


def test_done_tasks_are_silent_and_reopened_ones_remind_of_what_is_ahead(
    client, known, create, reminders_of, superuser
):
    known.settings(7, default_reminders=[{"minutes_before": 60}])
    task = create(client, due_date=at(days=1))
    path = f"/v1/tasks/{task['id']}"
    client.post(f"{path}/complete", json={})
    assert states(reminders_of(task["id"])) == [("default", "skipped"), ("overdue", "skipped")]
    superuser.execute(
        "UPDATE reminders SET fire_at = now() - interval '1 hour' WHERE kind = 'default' AND task_id = %s",
        (task["id"],),
    )
    client.post(f"{path}/reopen", json={})
    assert states(reminders_of(task["id"])) == [("default", "skipped"), ("overdue", "waiting")]
    client.delete(path, version=3)
    assert states(reminders_of(task["id"])) == [("default", "skipped"), ("overdue", "skipped")]
    client.post(f"{path}/restore")
    assert states(reminders_of(task["id"])) == [("default", "skipped"), ("overdue", "waiting")]


def test_a_served_reminder_is_not_served_again_unless_the_task_moves(client, create, reminders_of, superuser):
    task = create(client, due_date=at(days=1))
    path = f"/v1/tasks/{task['id']}"
    superuser.execute("UPDATE reminders SET state = 'fired', fired_for = fire_at WHERE task_id = %s", (task["id"],))
    client.post(f"{path}/complete", json={})
    client.post(f"{path}/reopen", json={})
    assert states(reminders_of(task["id"])) == [("overdue", "fired")]
    client.patch(path, json={"due_date": at(days=2)}, version=3)
    assert states(reminders_of(task["id"])) == [("overdue", "waiting")]
    client.patch(path, json={"due_date": at(days=1)}, version=4)
    assert states(reminders_of(task["id"])) == [("overdue", "fired")]


def test_a_new_assignee_is_reminded_as_they_want_it_and_of_nothing_twice(
    client, known, create, *, reminders_of, superuser
):
    known.settings(7, default_reminders=[{"minutes_before": 60}])
    known.settings(8, default_reminders=[{"minutes_before": 30}])
    task = create(client, due_date=at(days=1), remind_at=at(hours=2))
    superuser.execute(
        "UPDATE reminders SET state = 'fired', fired_for = fire_at WHERE task_id = %s AND kind = 'remind_at'",
        (task["id"],),
    )
    path = f"/v1/tasks/{task['id']}"
    assert client.post(f"{path}/assign", json={"assigned_to": 8}).status_code == 200
    assert reminders_of(task["id"]) == [
        ("remind_at", None, NOW + timedelta(hours=2), "fired"),
        ("default", None, NOW + DAY - timedelta(minutes=30), "waiting"),
        ("overdue", None, NOW + DAY, "waiting"),
    ]
    client.patch(path, json={"assigned_to": 7, "status": "completed"}, version=2)
    assert states(reminders_of(task["id"])) == [("remind_at", "fired"), ("default", "skipped"), ("overdue", "skipped")]


def test_what_was_served_is_not_served_again_to_who_gets_the_task_back(
    client, known, create, *, reminders_of, superuser
):
    known.settings(7, default_reminders=[{"minutes_before": 60}])
    task = create(client, due_date=at(minutes=30))
    superuser.execute(
        "UPDATE reminders SET state = 'fired', fired_for = fire_at WHERE task_id = %s AND kind = 'default'",
        (task["id"],),
    )
    for user_id in (8, 7):
        assert client.post(f"/v1/tasks/{task['id']}/assign", json={"assigned_to": user_id}).status_code == 200
    assert states(reminders_of(task["id"])) == [("default", "fired"), ("overdue", "waiting")]
