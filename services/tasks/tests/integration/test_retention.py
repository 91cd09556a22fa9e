"""What is kept long enough goes, each with its event; open tasks never do."""

from threading import Event as Flag

import pytest

from tasks.commands.retention import ACTIVITIES, TASKS, count_expired, expire


@pytest.fixture
def old(client, known, create, superuser):
    """Tasks and notes of which some are old enough."""
    known.customer(3)
    done = create(client, customer_id=3, status="completed", completed_at="2020-01-01T00:00:00Z")
    cancelled = create(client, customer_id=3)
    client.post(f"/v1/tasks/{cancelled['id']}/cancel")
    superuser.execute("UPDATE tasks SET updated_at = now() - interval '4 years' WHERE id = %s", (cancelled["id"],))
    create(client, title="open", due_on="2010-01-01")
    create(client, title="fresh", status="completed")
    body = {"activity_type": "note", "title": "old", "customer_id": 3, "task_id": done["id"]}
    client.post("/v1/activities", json=body | {"activity_date": "2015-01-01T00:00:00Z"})
    client.post("/v1/activities", json=body | {"title": "fresh"})


def test_a_dry_run_deletes_nothing_and_a_run_what_it_said(client, old, database, told):
    assert count_expired(database, TASKS) >= 2
    assert len(client.get("/v1/tasks").json["data"]) == 4
    expire(database, Flag(), TASKS)
    expire(database, Flag(), ACTIVITIES)
    assert sorted(row["title"] for row in client.get("/v1/tasks").json["data"]) == ["fresh", "open"]
    [kept] = client.get("/v1/activities").json["data"]
    assert (kept["title"], kept["task_id"]) == ("fresh", None)
    purged = [event for event in told() if event["type"].endswith("purged.v1")]
    assert len(purged) == 3
    assert {event["operation"].partition("/")[0] for event in purged} == {"retention"}
    assert count_expired(database, TASKS) == count_expired(database, ACTIVITIES) == 0


def test_it_stops_when_it_is_told_to_and_goes_on_later(client, old, database):
    stop = Flag()
    stop.set()
    assert expire(database, stop, TASKS) == 0
    assert len(client.get("/v1/tasks").json["data"]) == 4
