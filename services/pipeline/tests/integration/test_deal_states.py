"""Deals from state to state: every arrow with its event, and a refusal where none is drawn."""

import pytest


@pytest.fixture
def at(client):
    """Do something to a deal; answers the answer."""

    def act(deal, action, expected=200, **body):
        answer = client.post(f"/v1/deals/{deal['id']}/{action}", json=body)
        assert answer.status_code == expected, answer.json
        return answer.json

    return act


def last(told):
    event = told("deals")[-1]
    return event["type"].split(".")[2], event


def test_a_new_deal_is_in_the_first_open_stage_with_its_history_and_its_date(
    client, deal_stages, create_deal, told, superuser
):
    deal = create_deal(expected_close_date="2026-12-24")
    assert (deal["stage"], deal["status"], deal["probability"]) == ("prospect", "open", 10)
    assert deal["stage_id"] == deal_stages["prospect"]
    assert last(told)[0] == "created"
    [row] = client.get(f"/v1/deals/{deal['id']}/history").json["data"]
    assert (row["to_code"], row["value"], row["entered_at"]) == ("prospect", "1000.00", deal["stage_entered_at"])
    dated = superuser.execute(
        "SELECT old_date, new_date::text FROM close_date_history WHERE deal_id = %s", (deal["id"],)
    )
    assert dated.fetchall() == [(None, "2026-12-24")]


def test_a_move_takes_what_the_stage_says(deal_stages, create_deal, at, told):
    deal = create_deal()
    moved = at(deal, "move", stage_id=deal_stages["proposal"])
    assert (moved["stage"], moved["status"], moved["probability"], moved["version"]) == ("proposal", "open", 50, 2)
    action, event = last(told)
    assert action == "stage_changed"
    assert (event["data"]["from_stage"]["code"], event["data"]["to_stage"]["code"]) == ("prospect", "proposal")
    manual = at(deal, "move", stage_id=deal_stages["negotiation"], probability=0)
    assert (manual["probability"], manual["probability_source"]) == (0, "manual")


def test_a_move_that_is_refused_or_goes_nowhere_leaves_the_history_as_it_is(*, client, deal_stages, create_deal, at):
    deal = create_deal()
    deal = at(deal, "move", stage_id=deal_stages["qualified"])
    before = client.get(f"/v1/deals/{deal['id']}/history").json
    assert [row["left_at"] is None for row in before["data"]] == [True, False]
    assert at(deal, "move", stage_id=deal_stages["qualified"])["version"] == deal["version"]
    at(deal, "move", 422, stage_id=999_999_999)
    at(deal, "move", 422, stage_id=deal_stages["closed_lost"])  # Without its reason.
    stale = client.post(
        f"/v1/deals/{deal['id']}/move", json={"stage_id": deal_stages["proposal"]}, headers={"If-Match": '"1"'}
    )
    assert stale.status_code == 412
    seen = {"If-Match": f'"{deal["version"]}"'}
    assert client.delete(f"/v1/deals/{deal['id']}", headers=seen).status_code == 204
    at(deal, "move", 409, stage_id=deal_stages["proposal"])
    assert client.get(f"/v1/deals/{deal['id']}/history").json == before


def test_nobody_waits_for_a_deal_that_is_not_theirs(*, client_of, company_id, create_deal, deal_stages, superuser):
    deal = create_deal()
    other = client_of(company_id, "deals:read:own deals:write", user_id=12)
    with superuser.transaction():
        superuser.execute("SELECT FROM stage_history WHERE deal_id = %s FOR UPDATE", (deal["id"],))
        answer = other.post(f"/v1/deals/{deal['id']}/move", json={"stage_id": deal_stages["proposal"]})
    assert (answer.status_code, answer.json["code"]) == (404, "deal_not_found")


def test_a_deal_is_won_in_the_next_won_stage_at_the_day_of_the_company(client, create_deal, at, told, company):
    company("USD", "America/New_York")
    deal = create_deal()
    won = at(deal, "win")
    assert (won["stage"], won["status"], won["probability"], won["closed_by"]) == ("closed_won", "won", 100, 7)
    assert (won["last_open_probability"], won["closed_at"]) == (10, won["stage_entered_at"])
    assert (won["close_rate"], won["close_rate_base"], won["close_rate_date"]) == (
        "1.0000000000",
        "USD",
        won["actual_close_date"],
    )
    assert last(told)[0] == "won"


def test_the_day_of_a_closing_is_that_of_the_company(client_of, company_id, customer, company, create_deal):
    company("USD", "America/New_York")
    importer = client_of(company_id, "deals:read deals:write deals:import")
    deal = create_deal(importer, created_at="2026-03-01T00:00:00Z")
    body = {"closed_at": "2026-04-01T03:30:00Z"}
    won = importer.post(f"/v1/deals/{deal['id']}/win", json=body).json
    assert (won["actual_close_date"], won["closed_at"]) == ("2026-03-31", "2026-04-01T03:30:00+00:00")


def test_the_rate_of_the_day_is_kept(*, client, create_deal, at, company, company_id, superuser):
    company("USD")
    superuser.execute(
        "INSERT INTO exchange_rates (company_id, currency, base_currency, rate, valid_on) VALUES"
        " (%(c)s, 'EUR', 'USD', 1.1, '2026-01-01'), (%(c)s, 'EUR', 'USD', 1.2, '2026-02-01')",
        {"c": company_id},
    )
    won = at(create_deal(currency="EUR"), "win")
    assert (won["close_rate"], won["close_rate_date"]) == ("1.2000000000", "2026-02-01")
    other = client.patch(f"/v1/deals/{won['id']}", json={"currency": "GBP"}, version=won["version"]).json
    assert (other["close_rate"], other["close_rate_base"], other["close_rate_date"]) == (None, None, None)
    assert other["closed_at"] == won["closed_at"]


def test_losing_asks_for_its_reason_on_every_path(*, client, deal_stages, create_deal, reasons, told, at):
    deal = create_deal()
    path = f"/v1/deals/{deal['id']}"
    lost = deal_stages["closed_lost"]
    batch = {"items": [{"action": "update", "id": deal["id"], "version": 1, "values": {"stage_id": lost}}]}
    refused = [
        client.post(f"{path}/lose", json={}).json,
        client.post(f"{path}/move", json={"stage_id": lost}).json,
        client.patch(path, json={"stage_id": lost}, version=1).json,
        client.post(
            "/v1/deals",
            json={"customer_id": deal["customer_id"], "deal_name": "x", "deal_value": "1", "stage_id": lost},
        ).json,
        client.post("/v1/deals/batch", json=batch).json["results"][0]["problem"],
    ]
    found = {(problem["code"], problem["errors"][0]["pointer"]) for problem in refused}
    assert found == {("loss_reason_required", "/loss_reason_id")}
    text = client.post(f"{path}/lose", json={"loss_reason_id": reasons["Other"]}).json
    assert (text["code"], text["errors"][0]["pointer"]) == ("loss_reason_required", "/loss_reason")
    done = at(deal, "lose", loss_reason_id=reasons["Price"])
    assert (done["status"], done["probability"], done["loss_reason"]) == ("lost", 0, "Price")
    assert last(told)[0] == "lost"


def test_another_reason_of_what_is_lost_is_an_update(client, create_deal, reasons, told, at):
    deal = at(create_deal(), "lose", loss_reason_id=reasons["Price"])
    path = f"/v1/deals/{deal['id']}"
    changed = client.patch(path, json={"loss_reason_id": reasons["Competitor"]}, version=deal["version"]).json
    assert (changed["loss_reason"], changed["closed_at"]) == ("Competitor", deal["closed_at"])
    assert last(told)[0] == "updated"
    none = client.patch(path, json={"loss_reason_id": None}, version=changed["version"])
    assert none.json["code"] == "loss_reason_required"


def test_from_won_to_won_it_has_closed_when_it_did(client, deal_stages, create_deal, told, at):
    [pipeline] = client.get("/v1/pipelines").json["data"]
    body = {"name": "Signed", "kind": "won"}
    signed = client.post(f"/v1/pipelines/{pipeline['id']}/stages", json=body).json
    assert (signed["code"], signed["probability"], signed["forecast_category"]) == ("signed", 100, "closed")
    won = at(create_deal(), "win")
    moved = at(won, "move", stage_id=signed["id"])
    assert (moved["stage"], moved["closed_at"], moved["closed_by"]) == ("signed", won["closed_at"], 7)
    assert last(told)[0] == "stage_changed"


def test_won_and_lost_turn_into_each_other_by_a_new_closing(create_deal, reasons, told, at, deal_stages):
    deal = at(create_deal(), "move", stage_id=deal_stages["negotiation"])
    won = at(deal, "win")
    lost = at(won, "lose", loss_reason_id=reasons["Price"])
    assert lost["closed_at"] > won["closed_at"]
    assert (lost["last_open_stage_id"], lost["last_open_probability"]) == (deal_stages["negotiation"], 75)
    again = at(lost, "win")
    assert (again["loss_reason"], again["loss_reason_id"], again["status"]) == (None, None, "won")
    assert [event["type"].split(".")[2] for event in told("deals")][-3:] == ["won", "lost", "won"]


def test_reopening_clears_what_closing_wrote(*, create_deal, reasons, told, at, deal_stages, client):
    deal = at(create_deal(), "move", stage_id=deal_stages["negotiation"], probability=80)
    lost = at(deal, "lose", loss_reason_id=reasons["Price"])
    opened = at(lost, "reopen")
    assert (opened["stage"], opened["probability"], opened["reopen_count"]) == ("negotiation", 75, 1)
    cleared = ("closed_at", "actual_close_date", "closed_by", "loss_reason", "loss_reason_id", "close_rate")
    assert [opened[name] for name in cleared] == [None] * len(cleared)
    assert last(told)[0] == "reopened"
    kinds = [row["to_kind"] for row in client.get(f"/v1/deals/{deal['id']}/history").json["data"]]
    assert kinds == ["open", "lost", "open", "open"]


def test_arrows_that_are_not_drawn(client, create_deal, reasons, at):
    deal = create_deal()
    path = f"/v1/deals/{deal['id']}"
    assert at(deal, "reopen", 409)["code"] == "deal_open"
    won = at(deal, "win")
    assert at(won, "win", 409)["code"] == "deal_closed"
    for body in ({"probability": 50}, {"expected_close_date": "2030-01-01"}):
        answer = client.patch(path, json=body, version=won["version"])
        assert (answer.status_code, answer.json["code"]) == (409, "deal_closed")
    value = client.patch(path, json={"deal_value": "5.00"}, version=won["version"]).json
    assert (value["deal_value"], value["closed_at"], value["status"]) == ("5.00", won["closed_at"], "won")
    lost = at(won, "lose", loss_reason_id=reasons["Price"])
    assert at(lost, "lose", 409, loss_reason_id=reasons["Price"])["code"] == "deal_closed"
    assert client.delete(path, version=lost["version"]).status_code == 204
    for action, body in (
        ("win", {}),
        ("reopen", {}),
        ("move", {"stage_id": lost["stage_id"]}),
        ("assign", {"assigned_to": None}),
    ):
        assert at(deal, action, 409, **body)["code"] == "deal_archived"


def test_a_closing_lies_between_its_creation_and_now(client, client_of, company_id, create_deal, at):
    deal = create_deal()
    assert at(deal, "win", 422, closed_at="2020-01-01T00:00:00Z")["code"] == "closed_before_created"
    assert at(deal, "win", 422, closed_at="2200-01-01T00:00:00Z")["code"] == "closed_in_future"
    body = {
        "customer_id": deal["customer_id"],
        "deal_name": "Old",
        "deal_value": "1",
        "created_at": "2026-01-01T00:00:00Z",
    }
    assert client.post("/v1/deals", json=body).status_code == 403
    importer = client_of(company_id, "deals:read deals:write deals:import")
    old = importer.post("/v1/deals", json=body).json
    assert old["created_at"] == old["stage_entered_at"] == "2026-01-01T00:00:00+00:00"


def test_what_a_stage_requires_is_asked_for_on_every_way_into_it(client, deal_stages, create_deal, at):
    stage = f"/v1/deal-stages/{deal_stages['negotiation']}"
    required = {"required_fields": ["deal_value", "expected_close_date", "notes"]}
    assert client.patch(stage, json=required, version=1).status_code == 200
    deal = create_deal(deal_value="0")
    answer = at(deal, "move", 422, stage_id=deal_stages["negotiation"])
    assert answer["code"] == "required_for_stage"
    assert [error["pointer"] for error in answer["errors"]] == ["/deal_value", "/expected_close_date", "/notes"]
    body = {
        "stage_id": deal_stages["negotiation"],
        "deal_value": "5",
        "expected_close_date": "2030-01-01",
        "notes": "ready",
    }
    entered = client.patch(f"/v1/deals/{deal['id']}", json=body, version=1)
    assert (entered.status_code, entered.json["stage"]) == (200, "negotiation")
    emptied = client.patch(f"/v1/deals/{deal['id']}", json={"notes": None}, version=2)
    assert emptied.status_code == 200


def test_the_customer_of_a_new_deal_is_live_and_its_lead_is_one_of_theirs(client, customer, create_lead, create_deal):
    gone, merged = customer(archived_at="2026-01-01"), customer(archived_at="2026-01-01", merged_into=1)
    body = {"deal_name": "x", "deal_value": "1"}
    assert client.post("/v1/deals", json=body | {"customer_id": gone}).json["code"] == "customer_archived"
    assert client.post("/v1/deals", json=body | {"customer_id": merged}).json["code"] == "customer_merged"
    one, other = customer(), customer()
    lead = create_lead(customer_id=one)
    wrong = client.post("/v1/deals", json=body | {"customer_id": other, "lead_id": lead["id"]})
    assert wrong.json["code"] == "customer_mismatch"
    assert create_deal(customer_id=one, lead_id=lead["id"])["lead_id"] == lead["id"]
    assert client.post("/v1/deals", json=body | {"customer_id": one, "lead_id": 2**40}).json["code"] == "unknown_lead"


def test_a_purged_lead_leaves_its_deals_and_tells_of_them(client, customer, create_lead, create_deal, told):
    one = customer()
    lead = create_lead(customer_id=one)
    deal = create_deal(customer_id=one, lead_id=lead["id"])
    assert client.post(f"/v1/leads/{lead['id']}/purge", version=1).status_code == 204
    assert client.get(f"/v1/deals/{deal['id']}").json["lead_id"] is None
    assert last(told)[0] == "updated"
