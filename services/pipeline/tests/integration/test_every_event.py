"""Whatever the service publishes is what its contract says, however it came about; and each change is told once."""

import uuid
from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.events import ACCESS_DENIED, decode
from chassis.testing.events import altered, assert_each_follows
from pipeline.commands.transfers import DEAL_TRANSFERS, LEAD_TRANSFERS
from pipeline.events import PUBLISHED
from pipeline.handlers import SUBSCRIPTIONS


def done(answer, expected=200):
    assert answer.status_code == expected, answer.json
    return answer.json


def keep_rates(client):
    rate = {"currency": "EUR", "rate": "1.0850", "valid_on": "2026-01-01"}
    path = f"/v1/exchange-rates/{done(client.post('/v1/exchange-rates', json=rate), 201)['id']}"
    done(client.patch(path, json={"rate": "1.0900"}, version=1))
    assert client.delete(path, version=2).status_code == 204


@pytest.fixture
def go_through(*, client, create_lead, create_deal, lead_stages, deal_stages, reasons):
    """Everything that leads, deals and their stages can go through."""

    def leads():
        lead, other = create_lead(notes="from the fair"), create_lead()
        path = f"/v1/leads/{lead['id']}"
        done(client.patch(path, json={"source": "fair", "assigned_to": 7}, version=1))
        done(client.post(f"{path}/move", json={"stage_id": lead["stage_id"], "before_id": other["id"]}))
        done(client.post(f"{path}/move", json={"stage_id": lead_stages["Proposal"]}))
        done(client.post(f"{path}/lose", json={"loss_reason_id": reasons["Price"]}))
        done(client.post(f"{path}/reopen", json={}))
        assert client.delete(path, version=6).status_code == 204
        done(client.post(f"{path}/restore"))
        assert client.post(f"{path}/purge", version=8).status_code == 204
        assert client.get("/v1/leads/export.csv").status_code == 200

    def deals():
        deal, other = create_deal(notes="twice a year"), create_deal()
        path = f"/v1/deals/{deal['id']}"
        done(client.patch(path, json={"expected_close_date": "2030-01-01", "assigned_to": 7}, version=1))
        done(client.post(f"{path}/move", json={"stage_id": deal["stage_id"], "before_id": other["id"]}))
        done(client.post(f"{path}/move", json={"stage_id": deal_stages["proposal"]}))
        done(client.post(f"{path}/lose", json={"loss_reason_id": reasons["Price"]}))
        done(client.post(f"{path}/win", json={}))
        done(client.post(f"{path}/reopen", json={}))
        assert client.delete(path, version=7).status_code == 204
        done(client.post(f"{path}/restore"))
        assert client.post(f"{path}/purge", version=9).status_code == 204
        assert client.get("/v1/deals/export.jsonl").status_code == 200

    def settings():
        stage = done(client.post("/v1/lead-stages", json={"name": "Nurturing", "lead_status": "qualified"}), 201)
        path = f"/v1/lead-stages/{stage['id']}"
        done(client.patch(path, json={"probability": 30}, version=1))
        assert client.delete(path, version=2).status_code == 204
        pipeline = done(client.post("/v1/pipelines", json={"name": "Partners"}), 201)
        path = f"/v1/pipelines/{pipeline['id']}"
        done(client.patch(path, json={"description": "with others"}, version=1))
        stage = done(client.post(f"{path}/stages", json={"name": "Signed", "kind": "won"}), 201)
        done(client.patch(f"/v1/deal-stages/{stage['id']}", json={"expected_days": 3}, version=1))
        assert client.delete(f"/v1/deal-stages/{stage['id']}", version=2).status_code == 204
        assert client.delete(path, version=2).status_code == 204
        reason = done(client.post("/v1/loss-reasons", json={"name": "Season"}), 201)
        path = f"/v1/loss-reasons/{reason['id']}"
        done(client.patch(path, json={"is_active": False}, version=1))
        assert client.delete(path, version=2).status_code == 204

    def run():
        leads()
        deals()
        settings()
        keep_rates(client)

    return run


@pytest.fixture
def convert(*, database, client_of, company_id, contracts, customer, create_lead, usual_scope):
    """Conversions of leads that end in each way."""
    client = client_of(company_id, f"{usual_scope} customers:read customers:write")

    def of(customer_id, **body):
        path = f"/v1/leads/{create_lead(estimated_value='5.00')['id']}/convert"
        answer = client.post(path, json={"customer": {"use": customer_id}} | body)
        return f"/v1/conversions/{done(answer, answer.status_code)['id']}"

    def run():
        known = customer()
        done(client.post(f"{of(known)}/undo"))
        done(client.post(f"{of(known, contact={'use': 1})}/cancel"))
        refused = of(known, contact={"use": 1})
        example = decode(contracts.example("crm.conversion_result.refused.v1"))
        after = example.data["after"] | {"conversion_id": int(refused.rpartition("/")[2])}
        event = altered(example, id=str(uuid.uuid4()), company_id=company_id, data={**example.data, "after": after})
        context = Context(company_id=company_id, request_id="the-request", causation_id=event.id)
        with acting_as(context), database.transaction() as session:
            SUBSCRIPTIONS.handlers[event.type](session, event)
        assert done(client.get(refused))["state"] == "failed"

    return run


@pytest.fixture
def bring_in(*, imports, deal_imports, client_of, company_id, usual_scope, customer):
    """Imports of leads and of deals that end in each way but one, which is still to be validated; answers those."""
    imports.client = deal_imports.client = client_of(company_id, f"{usual_scope} leads:import deals:import")

    def bring(of, file, change, match_by):
        made = of.run(file)
        of.run(change, mode="update", match_by=match_by)
        assert of.step(made["id"], "revert")["state"] == "reverted"
        begun = of.begin(file).json
        path = f"{of.path}/{begun['id']}"
        done(of.client.patch(path, json={"mode": "create", "on_unknown": "empty"}, version=begun["version"]))
        assert of.step(begun["id"], "cancel")["state"] == "cancelled"
        return of, of.begin(file).json["id"]

    def run():
        leads = imports.table(("Lead name", "Email"), ("Sofia", "sofia@example.com"), ("Emmy", ""))
        lead = imports.table(("Email", "Source"), ("sofia@example.com", "fair"))
        number = str(customer())
        deals = imports.table(("Deal name", "CRM customer id", "Amount"), ("Solo", number, "1"), ("Duo", number, "2"))
        deal = imports.table(("Deal name", "Amount"), ("Solo", "3"))
        return [bring(imports, leads, lead, "email"), bring(deal_imports, deals, deal, "deal_name")]

    return run


@pytest.fixture
def hand_over(*, database, company_id, contracts, superuser, create_lead, create_deal):
    """Deactivate the user who has a lead and a deal, as identity tells of it; another gets them."""

    def run():
        create_lead(assigned_to=7)
        create_deal(assigned_to=7)
        example = decode(contracts.example("crm.user_company.deactivated.v1"))
        superuser.execute("INSERT INTO user_refs (company_id, user_id) VALUES (%s, 8)", (company_id,))
        plan = {"leads": {"to": 8}, "deals": {"round_robin": [8]}}
        after = {**example.data["after"], "user_id": 7, "transfer_plan": plan}
        event = altered(example, id=str(uuid.uuid4()), company_id=company_id, data={**example.data, "after": after})
        context = Context(company_id=company_id, request_id="the-request", causation_id=event.id)
        with acting_as(context), database.transaction() as session:
            SUBSCRIPTIONS.handlers[event.type](session, event)
        LEAD_TRANSFERS.work(database, Flag())
        DEAL_TRANSFERS.work(database, Flag())

    return run


def test_every_event_is_what_its_contract_says_and_follows_the_one_before(
    *, client, client_of, company_id, go_through, convert, hand_over, bring_in, published, hold_to_contracts
):
    go_through()
    begun = bring_in()
    convert()
    assert client_of(company_id, "leads:read").post("/v1/leads", json={"lead_name": "Eve"}).status_code == 403
    hand_over()
    assert [
        client.get(f"/v1/{noun}?assigned_to=8&include=total").json["page"]["total"] for noun in ("leads", "deals")
    ] == [1, 1]
    # Whoever began it is not active any more.
    for of, import_id in begun:
        assert of.step(import_id, "validate")["state"] == "failed"
    events = published()
    hold_to_contracts(events, [*PUBLISHED, ACCESS_DENIED])
    assert_each_follows(events, moving=("lead_transfers", "deal_transfers", "lead_imports", "deal_imports"))


def test_the_states_that_were_told_of_last_are_those_that_are_there(client, go_through, published):
    go_through()
    last = {event["subject"]: event["data"]["after"] for event in published()}
    for noun, path in (("leads", "/v1/leads"), ("deals", "/v1/deals"), ("lead_stages", "/v1/lead-stages")):
        there = {f"{noun}/{row['id']}": row for row in client.get(f"{path}?limit=100").json["data"]}
        live = {
            subject: after
            for subject, after in last.items()
            if subject.startswith(f"{noun}/") and after is not None and after.get("archived_at") is None
        }
        assert live == there
