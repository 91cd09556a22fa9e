"""Stages, pipelines and loss reasons: there from the start, and administered while records are in them."""

from threading import Event as Flag

import pytest

from chassis.context import Context, acting_as
from chassis.db.session import Database
from pipeline import handlers


@pytest.fixture
def pipeline(client):
    return client.get("/v1/pipelines").json["data"][0]


def names(answer):
    return [row["name"] for row in answer.json["data"]]


def test_every_company_begins_with_the_stages_of_the_seeds(client):
    rows = client.get("/v1/lead-stages").json["data"]
    assert [(row["order_index"], row["name"], row["lead_status"], row["probability"]) for row in rows] == [
        (1, "New", "new", 5),
        (2, "Contacted", "contacted", 10),
        (3, "Qualified", "qualified", 25),
        (4, "Proposal", "qualified", 50),
        (5, "Negotiation", "qualified", 75),
        (6, "Closed Won", "converted", 100),
        (7, "Closed Lost", "lost", 0),
    ]
    assert rows[2]["description"] == "Lead meets criteria and is interested"
    [sales] = client.get("/v1/pipelines").json["data"]
    assert (sales["name"], sales["is_default"]) == ("Sales", True)
    stages = client.get(f"/v1/pipelines/{sales['id']}/stages").json["data"]
    assert [(row["code"], row["kind"], row["probability"], row["forecast_category"]) for row in stages] == [
        ("prospect", "open", 10, "pipeline"),
        ("qualified", "open", 25, "pipeline"),
        ("proposal", "open", 50, "best_case"),
        ("negotiation", "open", 75, "commit"),
        ("closed_won", "won", 100, "closed"),
        ("closed_lost", "lost", 0, "omitted"),
    ]
    reasons = client.get("/v1/loss-reasons").json["data"]
    assert [row["name"] for row in reasons if row["requires_text"]] == ["Other"]
    assert len(reasons) == 8


def test_many_who_begin_at_once_make_seven_rows(client_of, company_id, at_once, told):
    paths = ("/v1/lead-stages", "/v1/pipelines", "/v1/loss-reasons", "/v1/lead-stages")
    answers = at_once(*(lambda path=path: client_of(company_id).get(path) for path in paths))
    assert [len(answer.json["data"]) for answer in answers] == [7, 1, 8, 7]
    assert len(told("lead_stages")) == 7
    assert len(told("deal_stages")) == 6


def test_a_reorder_names_every_stage_once(client, lead_stages, told):
    ids = list(lead_stages.values())
    turned = [*ids[1:], ids[0]]
    told_before = len(told())
    for wrong in (ids[1:], [*ids, ids[0]], [*ids[1:], 2**40]):
        answer = client.post("/v1/lead-stages/reorder", json={"ids": wrong})
        assert (answer.status_code, answer.json["code"]) == (422, "stages_differ")
    assert len(told()) == told_before
    answer = client.post("/v1/lead-stages/reorder", json={"ids": turned})
    assert [(row["id"], row["order_index"]) for row in answer.json["data"]] == [*zip(turned, range(1, 8), strict=True)]
    assert {event["type"] for event in told("lead_stages")[7:]} == {"crm.lead_stage.updated.v1"}


def test_what_a_stage_stands_for_cannot_change_while_a_record_is_in_it(
    client, deal_stages, lead_stages, create_deal, create_lead
):
    deal, lead = create_deal(), create_lead()
    assert client.delete(f"/v1/deals/{deal['id']}", version=1).status_code == 204
    path = f"/v1/deal-stages/{deal_stages['prospect']}"
    answer = client.patch(path, json={"kind": "won"}, version=1)
    assert (answer.status_code, answer.json["code"]) == (409, "stage_in_use")
    assert [answer.json[name] for name in ("open", "closed", "archived")] == [0, 0, 1]
    answer = client.patch(f"/v1/lead-stages/{lead['stage_id']}", json={"lead_status": "lost"}, version=1)
    assert answer.json["code"] == "stage_in_use"
    free = client.patch(f"/v1/deal-stages/{deal_stages['proposal']}", json={"kind": "lost"}, version=1).json
    assert (free["kind"], free["probability"]) == ("lost", 0)


def test_nothing_enters_an_inactive_stage_and_what_is_in_it_stays(client, deal_stages, create_deal):
    inside, outside = create_deal(stage_id=deal_stages["proposal"]), create_deal()
    path = f"/v1/deal-stages/{deal_stages['proposal']}"
    assert client.patch(path, json={"is_active": False}, version=1).status_code == 200
    body = {"stage_id": deal_stages["proposal"]}
    new = {"customer_id": inside["customer_id"], "deal_name": "x", "deal_value": "1"} | body
    refused = [
        client.post("/v1/deals", json=new),
        client.post(f"/v1/deals/{outside['id']}/move", json=body),
        client.patch(f"/v1/deals/{outside['id']}", json=body, version=1),
    ]
    assert {(answer.status_code, answer.json["code"]) for answer in refused} == {(422, "stage_inactive")}
    assert client.patch(f"/v1/deals/{inside['id']}", json={"notes": "x"}, version=1).status_code == 200


@pytest.mark.parametrize("code", ["closed_won", "closed_lost"])
def test_the_last_active_stage_of_a_kind_stays(client, deal_stages, code):
    path = f"/v1/deal-stages/{deal_stages[code]}"
    for answer in (client.patch(path, json={"is_active": False}, version=1), client.delete(path, version=1)):
        assert (answer.status_code, answer.json["code"]) == (409, "last_stage_of_kind")


@pytest.mark.parametrize("name", ["Closed Won", "Closed Lost"])
def test_the_last_active_lead_stage_of_a_kind_stays(client, lead_stages, name):
    answer = client.delete(f"/v1/lead-stages/{lead_stages[name]}", version=1)
    assert (answer.status_code, answer.json["code"]) == (409, "last_stage_of_kind")


def test_two_who_take_away_the_last_two_stages_leave_one(
    *, client_of, company_id, client, pipeline, deal_stages, at_once
):
    other = client.post(f"/v1/pipelines/{pipeline['id']}/stages", json={"name": "Signed", "kind": "won"}).json["id"]
    answers = at_once(
        *(
            lambda stage_id=stage_id: client_of(company_id).delete(f"/v1/deal-stages/{stage_id}", version=1)
            for stage_id in (other, deal_stages["closed_won"])
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


def test_a_used_stage_is_deleted_with_a_place_for_what_is_in_it(client, deal_stages, create_deal, told, pipeline):
    deals = [create_deal(stage_id=deal_stages["proposal"]) for _ in range(3)]
    manual = client.patch(f"/v1/deals/{deals[0]['id']}", json={"probability": 66}, version=1).json
    assert client.delete(f"/v1/deals/{deals[1]['id']}", version=1).status_code == 204
    path = f"/v1/deal-stages/{deal_stages['proposal']}"
    refused = client.delete(path, version=1)
    assert [refused.json[name] for name in ("code", "open", "closed", "archived")] == ["stage_in_use", 2, 0, 1]
    for target in (deal_stages["closed_won"], deal_stages["proposal"], 2**40):
        answer = client.delete(f"{path}?move_to={target}", version=1)
        assert (answer.status_code, answer.json["code"]) == (422, "stage_unfit")
    assert client.delete(f"{path}?move_to={deal_stages['qualified']}", version=1).status_code == 204
    after = client.get(f"/v1/deals/{deals[0]['id']}").json
    assert (after["stage"], after["probability"], after["stage_entered_at"]) == (
        "qualified",
        66,
        manual["stage_entered_at"],
    )
    moved = [event for event in told("deals") if event["type"] == "crm.deal.stage_changed.v1"]
    assert len(moved) == 3
    assert {event["operation"] for event in moved} == {f"deal_stages/{deal_stages['proposal']}"}
    newest = client.get(f"/v1/deals/{deals[0]['id']}/history").json["data"][0]
    assert (newest["administrative"], newest["from_name"]) == (True, "Proposal")
    column = client.get(f"/v1/deals?stage_id={deal_stages['qualified']}&sort=position").json["data"]
    assert [row["id"] for row in column] == [deals[2]["id"], deals[0]["id"]]
    assert client.get(path).status_code == 404


def test_a_stage_of_more_than_500_is_emptied_by_the_worker_and_goes_then(
    *, client, deal_stages, customer, superuser, company_id, database: Database, told, pipeline
):
    superuser.execute(
        "INSERT INTO deals (company_id, customer_id, deal_name, deal_value, pipeline_id, stage_id, stage, position)"
        " SELECT %s, %s, 'Deal ' || i, 1, %s, %s, 'proposal', i FROM generate_series(1, 1100) i",
        (company_id, customer(), pipeline["id"], deal_stages["proposal"]),
    )
    path = f"/v1/deal-stages/{deal_stages['proposal']}"
    answer = client.delete(f"{path}?move_to={deal_stages['qualified']}", version=1)
    assert (answer.status_code, answer.json) == (202, {"moving": 1100})
    assert client.get(path).json["is_active"] is False
    assert client.patch(path, json={"is_active": True}, version=2).json["code"] == "stage_in_use"
    with acting_as(Context()):
        handlers.move_stage_records(database, Flag())
    assert client.get(path).status_code == 404
    page = client.get(f"/v1/deals?stage_id={deal_stages['qualified']}&sort=position&include=total&limit=100").json
    assert page["page"]["total"] == 1100
    assert [row["deal_name"] for row in page["data"]] == [f"Deal {number}" for number in range(1, 101)]
    assert told("deal_stages")[-1]["type"] == "crm.deal_stage.deleted.v1"


def test_probability_of_a_stage_is_applied_to_what_follows_it_when_that_is_asked_for(client, deal_stages, create_deal):
    follows, manual = create_deal(), create_deal(probability=70)
    path = f"/v1/deal-stages/{deal_stages['prospect']}"
    assert client.patch(path, json={"probability": 15}, version=1).status_code == 200
    assert client.get(f"/v1/deals/{follows['id']}").json["probability"] == 10
    counted = client.post(f"{path}/apply-probability", json={}).json
    assert (counted["count"], counted["updated"]) == (1, 0)
    done = client.post(f"{path}/apply-probability", json={"confirm": counted["confirm"]}).json
    assert done["updated"] == 1
    assert client.get(f"/v1/deals/{follows['id']}").json["probability"] == 15
    assert client.get(f"/v1/deals/{manual['id']}").json["probability"] == 70


def test_a_pipeline_is_archived_once_nothing_is_open_on_it(client, pipeline, create_deal):
    assert client.delete(f"/v1/pipelines/{pipeline['id']}", version=1).json["code"] == "pipeline_in_use"
    other = client.post("/v1/pipelines", json={"name": "Partners"}).json
    stages = {row["code"]: row["id"] for row in client.get(f"/v1/pipelines/{other['id']}/stages").json["data"]}
    deal = create_deal(stage_id=stages["prospect"])
    path = f"/v1/pipelines/{other['id']}"
    assert client.delete(path, version=1).json["code"] == "pipeline_in_use"
    assert client.post(f"/v1/deals/{deal['id']}/win", json={}).status_code == 200
    assert client.delete(path, version=1).status_code == 204
    assert names(client.get("/v1/pipelines")) == ["Sales"]
    new = {"customer_id": deal["customer_id"], "deal_name": "x", "deal_value": "1", "stage_id": stages["prospect"]}
    assert client.post("/v1/deals", json=new).json["code"] == "stage_inactive"


def test_there_is_one_default_pipeline(client, pipeline):
    other = client.post("/v1/pipelines", json={"name": "Partners", "is_default": True}).json
    assert [row["name"] for row in client.get("/v1/pipelines?is_default=true").json["data"]] == ["Partners"]
    assert client.patch(f"/v1/pipelines/{other['id']}", json={"is_default": False}, version=1).status_code == 422
    assert client.patch(f"/v1/pipelines/{pipeline['id']}", json={"is_default": True}, version=2).status_code == 200
    assert client.post("/v1/pipelines", json={"name": "partners"}).json["code"] == "pipeline_exists"


def test_a_loss_reason_in_use_is_made_inactive_and_not_chosen_any_more(client, create_deal, reasons):
    deal = create_deal()
    lose = {"loss_reason_id": reasons["Price"]}
    assert client.post(f"/v1/deals/{deal['id']}/lose", json=lose).status_code == 200
    path = f"/v1/loss-reasons/{reasons['Price']}"
    assert client.delete(path, version=1).json["code"] == "reason_in_use"
    assert client.patch(path, json={"is_active": False}, version=1).status_code == 200
    other = client.post(f"/v1/deals/{create_deal()['id']}/lose", json=lose)
    assert other.json["code"] == "loss_reason_inactive"
    assert client.delete(f"/v1/loss-reasons/{reasons['No answer']}", version=1).status_code == 204
    assert client.post("/v1/loss-reasons", json={"name": "price"}).json["code"] == "reason_exists"
