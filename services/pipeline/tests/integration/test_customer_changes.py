"""What customers tell of a customer, and what becomes of its leads and deals."""

import uuid
from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.events import decode
from chassis.testing.events import altered
from pipeline import handlers
from pipeline.commands.retention import list_expired


@pytest.fixture
def tell(database, company_id, contracts):
    """Hear of a customer: what happened, its version, and what is different from a live one."""

    def run(action, customer_id, version, *, event_id=None, **after):
        name = f"crm.customer.{action}.v1"
        example = decode(contracts.example(name))
        document = example.data["after"] and {
            **example.data["after"],
            "archived_at": None,
            "merged_into": None,
            **after,
        }
        event = altered(
            example,
            id=event_id or str(uuid.uuid4()),
            company_id=company_id,
            subject=f"customers/{customer_id}",
            aggregate_version=version,
            data={**example.data, "after": document},
        )
        context = Context(company_id=company_id, request_id="the-request", causation_id=event.id)
        with acting_as(context), database.transaction() as session:
            handlers.SUBSCRIPTIONS.handlers[name](session, event)

    return run


@pytest.fixture
def state(client):
    def read(noun, record):
        return client.get(f"/v1/{noun}/{record['id']}").json

    return read


WHEN = "2026-11-01T00:00:00+00:00"


def test_what_a_customer_has_goes_with_it_and_comes_back_with_it(
    *, client, customer, create_lead, create_deal, tell, state, told
):
    one = customer()
    lead, won = create_lead(customer_id=one), create_deal(customer_id=one)
    by_itself = create_deal(customer_id=one)
    client.post(f"/v1/deals/{won['id']}/win", json={})
    client.delete(f"/v1/deals/{by_itself['id']}", version=1)
    tell("archived", one, 2, archived_at=WHEN)
    assert [state("leads", lead)["archived_at"] is None, state("deals", won)["archived_at"] is None] == [False, False]
    assert told("deals")[-1]["type"] == "crm.deal.archived.v1"
    restoring = client.post(f"/v1/deals/{won['id']}/restore")
    assert (restoring.status_code, restoring.json["code"]) == (409, "customer_archived")
    new = client.post("/v1/deals", json={"customer_id": one, "deal_name": "x", "deal_value": "1"})
    assert new.json["code"] == "customer_archived"
    tell("restored", one, 3)
    assert [state("leads", lead)["archived_at"], state("deals", won)["archived_at"]] == [None, None]
    assert state("deals", by_itself)["archived_at"] is not None


def test_an_event_that_comes_twice_or_late_changes_nothing_more(*, customer, create_deal, tell, state, told):
    one = customer()
    deal = create_deal(customer_id=one)
    tell("restored", one, 3)
    tell("archived", one, 2, archived_at=WHEN)
    assert state("deals", deal)["archived_at"] is None
    tell("archived", one, 4, archived_at=WHEN)
    count = len(told("deals"))
    tell("archived", one, 4, archived_at=WHEN)
    assert len(told("deals")) == count == 2


def test_a_merge_gives_everything_to_the_one_that_is_left_and_its_undoing_takes_it_back(
    *, client, customer, create_lead, create_deal, tell, state
):
    source, target, other = customer(), customer(), customer()
    lead, deal, archived, gone_on = (
        create_lead(customer_id=source),
        create_deal(customer_id=source),
        create_deal(customer_id=source),
        create_deal(customer_id=source),
    )
    client.delete(f"/v1/deals/{archived['id']}", version=1)
    tell("archived", source, 2, archived_at=WHEN, merged_into=target)
    assert [state("leads", lead)["customer_id"], state("deals", deal)["customer_id"]] == [target, target]
    assert state("deals", archived)["customer_id"] == target
    assert state("deals", deal)["archived_at"] is None
    client.patch(f"/v1/deals/{gone_on['id']}", json={"customer_id": other}, version=2)
    tell("restored", source, 3)
    assert [state("leads", lead)["customer_id"], state("deals", deal)["customer_id"]] == [source, source]
    assert state("deals", gone_on)["customer_id"] == other


def test_a_merge_into_one_that_nobody_has_told_of_yet_waits_for_nothing(*, customer, create_deal, tell, state):
    source = customer()
    deal = create_deal(customer_id=source)
    tell("archived", source, 2, archived_at=WHEN, merged_into=source + 500)
    assert state("deals", deal)["customer_id"] == source + 500


def test_a_purged_customer_takes_its_records_along_one_by_one_and_does_not_come_back(
    *, client, customer, create_lead, create_deal, tell, told, database, superuser, company_id
):
    one = customer()
    lead = create_lead(customer_id=one)
    deal = create_deal(customer_id=one, lead_id=lead["id"])
    tell("purged", one, 5)
    new = client.post("/v1/deals", json={"customer_id": one, "deal_name": "x", "deal_value": "1"})
    assert new.json["code"] == "customer_archived"
    handlers.purge_customers(database, Flag())
    assert client.get(f"/v1/deals/{deal['id']}").status_code == 404
    assert client.get(f"/v1/leads/{lead['id']}").status_code == 404
    assert [event["type"].split(".")[2] for event in told()][-2:] == ["purged", "purged"]
    tell("updated", one, 4)
    assert superuser.execute("SELECT FROM customer_refs WHERE customer_id = %s", (one,)).fetchone() is None
    handlers.purge_customers(database, Flag())


def test_leads_are_kept_for_five_years_after_they_closed(
    *, client, create_lead, customer, create_deal, database, superuser, told, company_id
):
    one = customer()
    old, young = create_lead(customer_id=one), create_lead()
    deal = create_deal(customer_id=one, lead_id=old["id"])
    for lead, age in ((old, "5 years 1 day"), (young, "4 years")):
        client.post(f"/v1/leads/{lead['id']}/lose", json={})
        superuser.execute(
            "UPDATE leads SET closed_at = now() - %s::interval WHERE id = %s AND company_id = %s",
            (age, lead["id"], company_id),
        )
    assert (company_id, old["id"]) in list_expired(database, 1000)
    handlers.expire_leads(database, Flag())
    assert client.get(f"/v1/leads/{old['id']}").status_code == 404
    assert client.get(f"/v1/leads/{young['id']}").status_code == 200
    assert client.get(f"/v1/deals/{deal['id']}").json["lead_id"] is None
    assert told("leads")[-1]["operation"].startswith("retention/2")
