"""Customers, leads and deals that were purged: what was about them goes, one by one, and what has more to be about stays."""

from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from tasks import handlers
from tasks.commands import customer_purges
from tasks.commands.purging import forget_task
from tasks.operators import REMOVERS

DAILY = {"due_on": "2100-01-01", "recurrence": {"rrule": "FREQ=DAILY"}}


def ids(client, noun):
    return sorted(row["id"] for row in client.get(f"/v1/{noun}?limit=100").json["data"])


@pytest.fixture
def purge(database):
    return lambda: handlers.jobs.purge_customers(database, Flag())


def test_a_purged_customer_takes_what_was_about_it_one_by_one(client, hear_of, create, note, *, told, purge):
    hear_of("customer.created", 3, 1)
    task = create(client, customer_id=3, due_on="2100-01-01", recurrence={"rrule": "FREQ=DAILY"})
    note(customer_id=3, follow_up_date="2100-01-01")
    hear_of("customer.purged", 3, 2)
    refused = client.post("/v1/tasks", json={"title": "x", "customer_id": 3})
    assert (refused.status_code, refused.json["code"]) == (409, "customer_archived")
    purge()
    assert ids(client, "tasks") == ids(client, "activities") == []
    purged = sorted(event["type"] for event in told() if event["type"].endswith("purged.v1"))
    assert purged == ["crm.activity.purged.v1", "crm.task.purged.v1", "crm.task.purged.v1"]
    assert client.get(f"/v1/task-series/{task['series_id']}").json["ended_at"] is not None
    hear_of("customer.updated", 3, 1)
    assert client.post("/v1/tasks", json={"title": "x", "customer_id": 3}).json["code"] == "unknown_customer"


def test_a_purge_that_is_interrupted_goes_on_and_tells_of_each_record_once(
    client, hear_of, create, note, *, told, purge, database, monkeypatch
):
    monkeypatch.setattr(customer_purges, "PURGED_AT_ONCE", 2)
    hear_of("customer.created", 3, 1)
    for _ in range(3):
        create(client, customer_id=3)
        note(customer_id=3)
    kept = create(client)
    purged = hear_of("customer.purged", 3, 2)
    begun = []

    def dies(session, task):
        begun.append(task)
        if len(begun) == 2:
            raise RuntimeError("gone")
        forget_task(session, task)

    def dying(kind, forget):
        return kind, dies if forget is forget_task else forget

    with monkeypatch.context() as patch:
        patch.setattr(customer_purges, "_FORGET", [dying(*each) for each in customer_purges._FORGET])
        purge()
    assert len(begun) == 2
    for _ in range(2):
        hear_of("customer.purged", 3, 2, event=purged)
        purge()
    assert ids(client, "tasks") == [kept["id"]]
    assert ids(client, "activities") == []
    gone_ones = [event for event in told() if event["type"].endswith(".purged.v1")]
    assert len({event["subject"] for event in gone_ones}) == len(gone_ones) == 6
    assert {event["causationid"] for event in gone_ones} == {purged.id}


@pytest.mark.parametrize("kind", ["customer", "lead", "deal"])
def test_what_an_operator_found_gone_goes_as_if_it_had_been_purged(
    client, hear_of, create, *, told, purge, database, company_id, kind
):
    hear_of(f"{kind}.created", 5, 1)
    task = create(client, **{f"{kind}_id": 5})
    with acting_as(Context(company_id=company_id, request_id="r")), database.transaction() as session:
        REMOVERS[kind](session, 5, 1)
    purge()
    assert client.get(f"/v1/tasks/{task['id']}").status_code == 404
    assert told(f"tasks/{task['id']}")[-1]["type"] == "crm.task.purged.v1"
    assert client.post("/v1/tasks", json={"title": "x", f"{kind}_id": 5}).json["code"] == f"unknown_{kind}"


@pytest.mark.parametrize("kind", ["lead", "deal"])
def test_a_purged_lead_or_deal_leaves_what_has_a_customer(client, hear_of, create, note, kind):
    hear_of("customer.created", 3, 1)
    hear_of(f"{kind}.created", 5, 1)
    column = f"{kind}_id"
    kept = create(client, customer_id=3, **{column: 5})
    gone_task, gone_note = create(client, **{column: 5}), note(**{column: 5})
    kept_note = note(customer_id=3, **{column: 5})
    hear_of(f"{kind}.purged", 5, 2)
    assert client.get(f"/v1/tasks/{kept['id']}").json[column] is None
    assert client.get(f"/v1/activities/{kept_note['id']}").json[column] is None
    assert client.get(f"/v1/tasks/{gone_task['id']}").status_code == 404
    assert client.get(f"/v1/activities/{gone_note['id']}").status_code == 404


@pytest.mark.parametrize("kind", ["lead", "deal"])
def test_the_series_of_a_purged_lead_or_deal_goes_on_where_it_has_a_customer(
    client, hear_of, create, *, series_of, following, kind
):
    hear_of("customer.created", 3, 1)
    hear_of(f"{kind}.created", 5, 1)
    column = f"{kind}_id"
    kept, ended = create(client, customer_id=3, **{column: 5}, **DAILY), create(client, **{column: 5}, **DAILY)
    hear_of(f"{kind}.purged", 5, 2)
    assert (series_of(kept)["ended_at"], series_of(kept)[column]) == (None, None)
    assert series_of(ended)["ended_at"] is not None
    assert following(kept)["customer_id"] == 3
