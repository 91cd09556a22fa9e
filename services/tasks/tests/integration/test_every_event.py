"""Whatever the service publishes is what its contract says, however it came about; and each change is told once."""

from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.events import decode
from chassis.testing.events import altered, assert_each_follows
from tasks import handlers
from tasks.commands.transfers import TRANSFERS
from tasks.events import PUBLISHED


def path_of(record, noun="tasks"):
    return f"/v1/{noun}/{record['id']}"


@pytest.fixture
def tidy(client, create, known, *, superuser, database, contracts, company_id):
    """Everything that a task and a series can go through."""

    def run():
        task = create(client, description="About the offer", due_on="2100-01-01", priority="high")
        path = path_of(task)
        assert client.patch(path, json={"status": "in_progress"}, version=1).status_code == 200
        assert client.post(f"{path}/complete", json={}).status_code == 200
        assert client.post(f"{path}/reopen", json={}).status_code == 200
        assert client.post(f"{path}/cancel").status_code == 200
        assert client.delete(path, version=5).status_code == 204
        assert client.post(f"{path}/restore").status_code == 200
        assert client.post(f"{path}/purge", version=7).status_code == 204
        first = create(client, due_on="2100-01-01", recurrence={"rrule": "FREQ=DAILY"})
        series = f"/v1/task-series/{first['series_id']}"
        assert client.patch(series, json={"title": "Daily", "apply_to_open": True}, version=1).status_code == 200
        assert client.post(f"{series}/stop").status_code == 200
        assert client.get("/v1/tasks/export.csv").status_code == 200
        late = create(client, due_on="2100-01-01")
        superuser.execute("UPDATE reminders SET fire_at = now() WHERE task_id = %s", (late["id"],))
        handlers.fire_reminders(database, Flag())
        other = create(client, assigned_to=8)
        plan = {"user_id": 8, "transfer_plan": {"tasks": {"to": 7}}}
        example = decode(contracts.example("crm.user_company.deactivated.v1"))
        event = altered(
            example, company_id=company_id, data={**example.data, "after": {**example.data["after"], **plan}}
        )
        context = Context(company_id=company_id, request_id="the-request", causation_id=event.id)
        with acting_as(context), database.transaction() as session:
            handlers.SUBSCRIPTIONS.handlers[event.type](session, event)
        TRANSFERS.work(database, Flag())
        assert client.get(path_of(other)).json["assigned_to"] == 7
        for digest_at in ("07:00", "07:30"):
            assert client.patch("/v1/notification-settings", json={"digest_at": digest_at}).status_code == 200
        known.customer(3)
        values = {"activity_type": "call", "title": "About the offer", "customer_id": 3, "outcome": "Agreed"}
        call = client.post("/v1/activities", json=values | {"follow_up_date": "2100-01-02"}).json
        path = path_of(call, "activities")
        assert client.patch(path, json={"duration_minutes": 15}, version=1).status_code == 200
        assert client.delete(path, version=2).status_code == 204
        assert client.post(f"{path}/restore").status_code == 200
        assert client.post(f"{path}/purge", version=4).status_code == 204
        assert client.get("/v1/activities/export.jsonl").status_code == 200
        include = {"completed": False, "task_types": ["call"]}
        assert client.post("/v1/calendar-feed", json={"as": "todos", "include": include}).status_code == 201
        assert client.delete("/v1/calendar-feed").status_code == 204

    return run


def test_every_event_is_what_its_contract_says_and_follows_the_one_before(tidy, told, hold_to_contracts):
    tidy()
    events = told()
    # Nothing is told of a reminder before it fires.
    assert_each_follows(events, moving=("task_transfers",), untold=("reminders",))
    hold_to_contracts(events, PUBLISHED)


def test_the_states_that_were_told_of_last_are_those_that_are_there(client, tidy, told):
    tidy()
    last = {event["subject"]: event["data"]["after"] for event in told()}
    for table, noun in (("tasks", "tasks"), ("task_series", "task-series"), ("activities", "activities")):
        there = {f"{table}/{row['id']}": row for row in client.get(f"/v1/{noun}?limit=100").json["data"]}
        kept = {subject: after for subject, after in last.items() if subject.startswith(f"{table}/") and after}
        assert there == kept
