"""What neighbours' events do: each once, nothing older over something newer, and back exactly."""

import json
from datetime import UTC, datetime, timedelta
from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.events import decode
from chassis.testing.events import altered
from tasks import handlers
from tasks.commands.transfers import TRANSFERS


def gone():
    return datetime.now(UTC).isoformat()


def states(client, noun, **query):
    rows = client.get(f"/v1/{noun}?limit=100&" + "&".join(f"{key}={value}" for key, value in query.items())).json[
        "data"
    ]
    return sorted(row["id"] for row in rows)


@pytest.mark.parametrize("kind", ["customer", "lead", "deal"])
def test_what_was_live_goes_and_comes_back_with_its_subject(client, hear_of, create, note, *, reminders_of, kind):
    hear_of(f"{kind}.created", 3, 1)
    column = f"{kind}_id"
    live = create(client, due_on="2100-01-01", **{column: 3})
    hidden = create(client, **{column: 3})
    client.delete(f"/v1/tasks/{hidden['id']}", version=1)
    noted = note(**{column: 3})
    hear_of(f"{kind}.archived", 3, 2, archived_at=gone())
    assert states(client, "tasks") == states(client, "activities") == []
    assert [state for *_, state in reminders_of(live["id"])] == ["skipped"]
    refused = client.post("/v1/tasks", json={"title": "x", column: 3})
    assert (refused.status_code, refused.json["code"]) == (409, f"{kind}_archived")
    hear_of(f"{kind}.restored", 3, 3, before={"archived_at": gone()})
    assert states(client, "tasks") == [live["id"]]
    assert states(client, "activities") == [noted["id"]]
    assert [state for *_, state in reminders_of(live["id"])] == ["waiting"]


def test_the_same_event_again_and_an_older_one_change_nothing(client, hear_of, create, told):
    hear_of("customer.created", 3, 1)
    create(client, customer_id=3)
    archived = hear_of("customer.archived", 3, 2, archived_at=gone())
    hear_of("customer.restored", 3, 3, before={"archived_at": gone()})
    count = len(told())
    hear_of("customer.archived", 3, 2, event=archived)
    assert len(told()) == count
    assert len(states(client, "tasks")) == 1


def test_a_merge_moves_everything_and_its_undoing_takes_exactly_that_back(client, hear_of, create, note):
    for number in (3, 4):
        hear_of("customer.created", number, 1)
    moved, done, archived = (
        create(client, customer_id=3),
        create(client, customer_id=3, status="completed"),
        create(client, customer_id=3),
    )
    client.delete(f"/v1/tasks/{archived['id']}", version=1)
    noted, theirs = note(customer_id=3), create(client, customer_id=4)
    hear_of("customer.archived", 3, 2, archived_at=gone(), merged_into=4)
    every = sorted(task["id"] for task in (moved, done, theirs))
    assert states(client, "tasks", customer_id=4) == every
    assert client.get(f"/v1/tasks/{archived['id']}").json["customer_id"] == 4
    assert states(client, "activities", customer_id=4) == [noted["id"]]
    later = create(client, customer_id=4)
    hear_of("customer.restored", 3, 3, before={"archived_at": gone(), "merged_into": 4})
    assert states(client, "tasks", customer_id=4) == sorted([theirs["id"], later["id"]])
    assert states(client, "tasks", customer_id=3) == sorted([moved["id"], done["id"]])
    assert client.get(f"/v1/tasks/{archived['id']}").json["customer_id"] == 3


DAILY = {"due_on": "2100-01-01", "recurrence": {"rrule": "FREQ=DAILY"}}


def test_a_series_goes_along_with_a_merge_and_back(client, hear_of, create, *, series_of, following):
    for number in (3, 4):
        hear_of("customer.created", number, 1)
    task, theirs = create(client, customer_id=3, **DAILY), create(client, customer_id=4, **DAILY)
    hear_of("customer.archived", 3, 2, archived_at=gone(), merged_into=4)
    assert series_of(task)["customer_id"] == 4
    hear_of("customer.restored", 3, 3, before={"archived_at": gone(), "merged_into": 4})
    assert (series_of(task)["customer_id"], series_of(theirs)["customer_id"]) == (3, 4)
    assert following(task)["customer_id"] == 3


def test_a_merge_into_a_customer_that_is_not_known_yet_comes_again(hear_of):
    hear_of("customer.created", 3, 1)
    with pytest.raises(LookupError):
        hear_of("customer.archived", 3, 2, archived_at=gone(), merged_into=9)


def test_a_deal_that_changes_its_customer_takes_its_tasks_along(client, hear_of, create):
    for number in (3, 4):
        hear_of("customer.created", number, 1)
    hear_of("deal.created", 5, 1, customer_id=3)
    task = create(client, deal_id=5)
    hear_of("deal.updated", 5, 2, before={"customer_id": 3}, customer_id=4)
    assert client.get(f"/v1/tasks/{task['id']}").json["customer_id"] == 4


def test_the_next_task_of_a_deal_that_has_changed_its_customer_is_about_the_new_one(
    client, hear_of, create, *, following
):
    for number in (3, 4):
        hear_of("customer.created", number, 1)
    hear_of("deal.created", 5, 1, customer_id=3)
    task = create(client, deal_id=5, **DAILY)
    hear_of("deal.updated", 5, 2, before={"customer_id": 3}, customer_id=4)
    following_one = following(task)
    assert (following_one["customer_id"], following_one["deal_id"]) == (4, 5)


def test_a_change_by_an_import_is_told_and_so_is_one_by_somebody_who_was_not_known(client, hear_of):
    hear_of("customer.created", 3, 1)
    hear_of("customer.updated", 3, 2, before={"status": "prospect"}, status="active", operation="customer_imports/1")
    hear_of("customer.updated", 3, 3, before={"status": "active"}, status="lost", actor=70)
    records = [entry["record"] for entry in client.get("/v1/timeline?customer_id=3").json["data"]]
    assert [(record["title"], record["user_id"]) for record in records] == [
        ("Status: active → lost", 70),
        ("Status: prospect → active", None),
    ]


STAGES = {"from_stage": {"name": "Proposal"}, "to_stage": {"name": "Negotiation"}}


@pytest.mark.parametrize(
    ("name", "before", "after", "title", "change"),
    [
        ("deal.stage_changed", {}, STAGES, "Deal moved: Proposal → Negotiation", ("Proposal", "Negotiation", None)),
        ("deal.won", {"status": "open"}, {"status": "won"}, "Deal won", ("open", "won", None)),
        (
            "deal.lost",
            {"status": "open"},
            {"status": "lost", "loss_reason": "Price"},
            "Deal lost: Price",
            ("open", "lost", "Price"),
        ),
        ("lead.lost", {"status": "new"}, {"status": "lost"}, "Lead lost", ("new", "lost", None)),
        ("lead.converted", {"status": "new"}, {"status": "converted"}, "Lead converted", ("new", "converted", None)),
        (
            "customer.updated",
            {"status": "prospect"},
            {"status": "active"},
            "Status: prospect → active",
            ("prospect", "active", None),
        ),
    ],
)
def test_a_change_of_status_is_written_once_as_a_row_of_the_timeline(
    client, known, hear_of, *, name, before, after, title, change
):
    entity = name.partition(".")[0]
    hear_of(f"{entity}.created", 5, 1)
    event = hear_of(name, 5, 2, before=before, actor=8, **after)
    hear_of(name, 5, 2, event=event)
    [entry] = client.get(f"/v1/timeline?{entity}_id=5").json["data"]
    record = entry["record"]
    assert (record["activity_type"], record["title"], record["user_id"]) == ("status_change", title, 8)
    assert datetime.fromisoformat(record["activity_date"]) == event.time
    assert (record["change"]["from"], record["change"]["to"], record["change"]["reason"]) == change
    assert (record["change"]["entity"], record["change"]["id"]) == (entity, 5)


def test_a_stage_that_is_deleted_and_a_change_of_something_else_tell_nothing(client, hear_of):
    hear_of("deal.created", 5, 1)
    hear_of("deal.stage_changed", 5, 2, operation="deal_stages/9", **STAGES)
    hear_of("deal.updated", 5, 3, before={"status": "open"}, status="open")
    assert client.get("/v1/timeline?deal_id=5").json["data"] == []


def test_a_new_owner_is_told_unless_they_took_it_or_many_were_given(client_of, company_id, known, hear_of):
    hear_of("deal.created", 5, 1, actor=7)
    hear_of("deal.updated", 5, 2, assigned_to=8, actor=7)
    hear_of("deal.updated", 5, 3, before={"assigned_to": 8}, assigned_to=7, actor=7)
    hear_of("deal.updated", 5, 4, before={"assigned_to": 7}, assigned_to=8, operation="deal_transfers/1")
    rows = client_of(company_id, user_id=8).get("/v1/notifications").json["data"]
    assert [(row["kind"], row["subject_table"], row["subject_id"]) for row in rows] == [("deal_assigned", "deals", 5)]
    assert client_of(company_id).get("/v1/notifications").json["data"] == []


@pytest.mark.parametrize(
    ("way", "status"), [(None, "pending"), ("keep", "pending"), ("complete", "completed"), ("cancel", "cancelled")]
)
def test_open_tasks_of_a_won_deal_become_what_the_company_has_set(client, known, hear_of, create, told, *, way, status):
    known.company(settings={} if way is None else {"tasks_at_close": way})
    hear_of("deal.created", 5, 1)
    task = create(client, deal_id=5)
    event = hear_of("deal.won", 5, 2, before={"status": "open"}, status="won")
    assert client.get(f"/v1/tasks/{task['id']}").json["status"] == status
    last = told(f"tasks/{task['id']}")[-1]
    assert (last["causationid"] == event.id) is (status != "pending")


@pytest.mark.parametrize("way", ["complete", "cancel"])
def test_what_recurs_about_a_closed_deal_ends_with_its_tasks(client, known, hear_of, create, *, series_of, way):
    known.company(settings={"tasks_at_close": way})
    hear_of("deal.created", 5, 1)
    tasks = [create(client, deal_id=5, **DAILY) for _ in range(2)]
    hear_of("deal.won", 5, 2, before={"status": "open"}, status="won")
    assert client.get("/v1/tasks?open=true").json["data"] == []
    for task in tasks:
        series = series_of(task)
        assert (series["ended_at"] is not None, series["deal_id"]) == (True, 5)
        assert len(client.get(f"/v1/tasks?series_id={task['series_id']}").json["data"]) == 1


def test_a_conversion_adds_links_and_its_undoing_takes_exactly_these_away(
    client, hear, hear_of, create, *, note, known
):
    hear_of("lead.created", 5, 1, assigned_to=7)
    hear_of("customer.created", 3, 1)
    hear_of("deal.created", 6, 1, customer_id=3, lead_id=5)
    mine, others = create(client, lead_id=5), create(client, lead_id=5, assigned_to=8)
    done, noted = create(client, lead_id=5, status="completed"), note(lead_id=5)
    after = {"lead_id": 5, "customer_id": 3, "deal_id": 6, "assigned_to": 8}
    for version in (2, 2):
        hear("conversion.completed", 9, version, after)

    def links(noun, record):
        shown = client.get(f"/v1/{noun}/{record['id']}").json
        return [shown[name] for name in ("lead_id", "customer_id", "deal_id")]

    assert links("tasks", mine) == links("tasks", others) == links("activities", noted) == [5, 3, 6]
    assert links("tasks", done) == [5, None, None]
    assert client.get(f"/v1/tasks/{mine['id']}").json["assigned_to"] == 8
    client.patch(f"/v1/tasks/{others['id']}", json={"deal_id": None}, version=2)
    hear("conversion.undone", 9, 3, after)
    assert links("tasks", mine) == links("activities", noted) == [5, None, None]
    assert links("tasks", others) == [5, None, None]
    assert client.get(f"/v1/tasks/{mine['id']}").json["assigned_to"] == 7


def test_the_series_of_a_converted_lead_goes_along_and_back(
    client, hear, hear_of, create, *, series_of, following, known
):
    hear_of("lead.created", 5, 1, assigned_to=7)
    hear_of("customer.created", 3, 1)
    hear_of("deal.created", 6, 1, customer_id=3, lead_id=5)
    task = create(client, lead_id=5, **DAILY)
    after = {"lead_id": 5, "customer_id": 3, "deal_id": 6, "assigned_to": 8}
    hear("conversion.completed", 9, 2, after)
    names = ("lead_id", "customer_id", "deal_id", "assigned_to")
    next_one = following(task)
    assert [next_one[name] for name in names] == [5, 3, 6, 8]
    hear("conversion.undone", 9, 3, after)
    series = series_of(task)
    assert [series[name] for name in names] == [5, None, None, 7]


def test_a_conversion_whose_deal_is_not_known_yet_comes_again(hear, hear_of):
    hear_of("lead.created", 5, 1)
    with pytest.raises(LookupError):
        hear("conversion.completed", 9, 2, {"lead_id": 5, "customer_id": None, "deal_id": 6, "assigned_to": None})


def test_open_tasks_of_a_deactivated_user_go_to_others_and_done_ones_stay(
    client, client_of, company_id, known, create, *, contracts, database, told
):
    first = create(client, assigned_to=8, due_on="2100-01-01", recurrence={"rrule": "FREQ=DAILY"})
    done = create(client, assigned_to=8, status="completed")
    example = decode(contracts.example("crm.user_company.deactivated.v1"))
    after = {**example.data["after"], "user_id": 8, "transfer_plan": {"tasks": {"to": 7}}}
    event = altered(
        example,
        company_id=company_id,
        subject="user_companies/8",
        aggregate_version=99,
        data={**example.data, "after": after},
    )
    with (
        acting_as(Context(company_id=company_id, request_id="r", causation_id=event.id)),
        database.transaction() as session,
    ):
        handlers.SUBSCRIPTIONS.handlers[event.type](session, event)
    TRANSFERS.work(database, Flag())
    assert client.get(f"/v1/tasks/{first['id']}").json["assigned_to"] == 7
    assert client.get(f"/v1/tasks/{done['id']}").json["assigned_to"] == 8
    assert client.get(f"/v1/task-series/{first['series_id']}").json["assigned_to"] == 7
    completed = told()[-1]
    assert completed["type"] == "crm.task_transfer.completed.v1"
    heard = decode(json.dumps(completed).encode())
    for _ in range(2):
        with acting_as(Context(company_id=company_id, request_id="r")), database.transaction() as session:
            handlers.SUBSCRIPTIONS.handlers[heard.type](session, heard)
    [told_once] = client_of(company_id).get("/v1/notifications?kind=transfer").json["data"]
    assert told_once["details"] == {"moved": 1}
    assert timedelta(0) < datetime.now(UTC) - datetime.fromisoformat(told_once["created_at"])
