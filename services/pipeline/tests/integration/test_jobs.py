"""What the worker does by itself: it dies in the middle, and goes on from there; each record has its event once."""

import uuid
from datetime import timedelta
from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from pipeline import handlers
from pipeline.commands import retention, stage_deletion


class Killed(BaseException):
    """The process ended before it could commit: nothing that goes on catches that."""


@pytest.fixture
def dying(monkeypatch):
    """Let a step of a job die, its work done and not committed, each second time that it is taken."""

    def arm(module, name):
        original, taken = getattr(module, name), []

        def step(*given):
            result = original(*given)
            taken.append(given)
            if len(taken) % 2 == 0:
                raise Killed
            return result

        monkeypatch.setattr(module, name, step)

    return arm


@pytest.fixture
def run_until_done(database):
    """Run a job as often as it dies; answers how often that was."""

    def run(job):
        for died in range(100):
            try:
                with acting_as(Context()):
                    job(database, Flag())
            except Killed:
                continue
            return died
        raise AssertionError("the job never came to its end")

    return run


@pytest.fixture
def fill(superuser, company_id):
    """Write many deals of a stage, as if they had been there."""

    def write(count, customer_id, pipeline_id, stage_id):
        superuser.execute(
            "INSERT INTO deals (company_id, customer_id, deal_name, deal_value, pipeline_id, stage_id, stage, position)"
            " SELECT %s, %s, 'Deal ' || i, 1, %s, %s, 'proposal', i FROM generate_series(1, %s) i",
            (company_id, customer_id, pipeline_id, stage_id, count),
        )

    return write


def types_of(events):
    return [event["type"].removeprefix("crm.").removesuffix(".v1") for event in events]


def test_a_stage_is_emptied_by_a_worker_that_dies_again_and_again(
    *, client, deal_stages, customer, fill, dying, run_until_done, told
):
    [pipeline] = client.get("/v1/pipelines?is_default=true").json["data"]
    fill(600, customer(), pipeline["id"], deal_stages["proposal"])
    path = f"/v1/deal-stages/{deal_stages['proposal']}"
    assert client.delete(f"{path}?move_to={deal_stages['qualified']}", version=1).status_code == 202
    dying(stage_deletion, "_step")
    assert run_until_done(handlers.move_stage_records) >= 1
    assert client.get(path).status_code == 404
    page = client.get(f"/v1/deals?stage_id={deal_stages['qualified']}&include=total&limit=1").json["page"]
    assert page["total"] == 600
    moved = [event for event in told("deals") if event["type"] == "crm.deal.stage_changed.v1"]
    assert len(moved) == len({event["subject"] for event in moved}) == 600
    assert types_of(told("deal_stages")).count("deal_stage.deleted") == 1


def test_a_purged_customer_takes_its_records_along_though_the_worker_dies(
    *, customer, create_lead, create_deal, told, dying, run_until_done, superuser, company_id
):
    one = customer()
    for _ in range(3):
        create_deal(customer_id=one, lead_id=create_lead(customer_id=one)["id"])
    superuser.execute(
        "INSERT INTO customer_purges (company_id, customer_id, customer_version, event_id, correlation_id)"
        " VALUES (%s, %s, 5, %s, 'x')",
        (company_id, one, uuid.uuid4()),
    )
    dying(handlers, "purge_on")
    run_until_done(handlers.purge_customers)
    found = types_of(told())
    assert (found.count("deal.purged"), found.count("lead.purged")) == (3, 3)
    assert superuser.execute("SELECT FROM customer_refs WHERE customer_id = %s", (one,)).fetchone() is None


def test_leads_expire_one_by_one_though_the_worker_dies(
    *, client, create_lead, told, dying, run_until_done, superuser, company_id
):
    leads = [create_lead()["id"] for _ in range(4)]
    for lead in leads:
        client.post(f"/v1/leads/{lead}/lose", json={})
    superuser.execute(
        "UPDATE leads SET closed_at = now() - interval '5 years 1 day' WHERE company_id = %s", (company_id,)
    )
    dying(retention, "remove_lead")
    assert run_until_done(handlers.expire_leads) >= 2
    assert types_of(told("leads")).count("lead.purged") == 4
    assert client.get("/v1/leads").json["data"] == []


def test_a_conversion_that_waits_for_long_is_counted(database, create_lead, superuser, company_id):
    def delayed():
        handlers.watch_conversions(database, Flag())
        return handlers.DELAYED._value.get()

    lead = create_lead()
    before = delayed()
    superuser.execute(
        "INSERT INTO conversions (company_id, lead_id, wishes, lead_version, correlation_id, created_at)"
        " VALUES (%s, %s, '{}', 1, 'x', now() - interval '14 minutes')",
        (company_id, lead["id"]),
    )
    assert delayed() == before
    superuser.execute(
        "UPDATE conversions SET created_at = now() - %s WHERE company_id = %s", (timedelta(minutes=16), company_id)
    )
    assert delayed() == before + 1
    superuser.execute("UPDATE conversions SET state = 'cancelled' WHERE company_id = %s", (company_id,))
    assert delayed() == before


def test_two_thousand_deals_are_moved_at_once_and_keep_their_order(client, deal_stages, customer, fill):
    [pipeline] = client.get("/v1/pipelines?is_default=true").json["data"]
    fill(2000, customer(), pipeline["id"], deal_stages["proposal"])
    body = {"filter": "stage=proposal", "changes": {"stage_id": deal_stages["qualified"]}}
    counted = client.post("/v1/deals/bulk-update", json=body)
    assert (counted.status_code, counted.json["count"]) == (200, 2000), counted.json
    done = client.post("/v1/deals/bulk-update", json=body | {"confirm": counted.json["confirm"]})
    assert (done.status_code, done.json["updated"]) == (200, 2000), done.json
    page = client.get(f"/v1/deals?stage_id={deal_stages['qualified']}&sort=position&limit=100").json["data"]
    assert [row["deal_name"] for row in page] == [f"Deal {number}" for number in range(1, 101)]
