"""Leads from state to state: every arrow with its event, and a refusal where none is drawn."""

import pytest


def last(told, table="leads"):
    return told(table)[-1]


def test_a_new_lead_is_in_the_first_open_stage_and_its_history_has_begun(client, lead_stages, create_lead, told):
    lead = create_lead(email="Ada@Example.com", phone="+49 30 123456", estimated_value="100.5")
    assert (lead["stage_id"], lead["status"]) == (lead_stages["New"], "new")
    assert (lead["probability"], lead["probability_source"], lead["currency"]) == (5, "stage", "USD")
    assert (lead["phone_e164"], lead["estimated_value"]) == ("+4930123456", "100.50")
    assert last(told)["type"] == "crm.lead.created.v1"
    [row] = client.get(f"/v1/leads/{lead['id']}/history").json["data"]
    assert (row["to_name"], row["from_name"], row["left_at"], row["moved_by"]) == ("New", None, None, 7)
    assert row["entered_at"] == lead["stage_entered_at"]


def test_a_move_takes_status_and_probability_of_the_stage_and_tells_both_stages(client, lead_stages, create_lead, told):
    lead = create_lead()
    moved = client.post(f"/v1/leads/{lead['id']}/move", json={"stage_id": lead_stages["Proposal"]}).json
    assert (moved["status"], moved["probability"], moved["version"]) == ("qualified", 50, 2)
    event = last(told)
    assert event["type"] == "crm.lead.stage_changed.v1"
    assert event["data"]["from_stage"]["name"] == "New"
    assert event["data"]["to_stage"] == {
        "id": lead_stages["Proposal"],
        "code": None,
        "name": "Proposal",
        "kind": "qualified",
        "pipeline_id": None,
    }
    newest, first = client.get(f"/v1/leads/{lead['id']}/history").json["data"]
    assert (newest["from_name"], newest["to_name"]) == ("New", "Proposal")
    assert first["left_at"] == newest["entered_at"] == moved["stage_entered_at"]


def test_a_probability_of_the_request_is_kept_also_if_it_is_zero(client, lead_stages, create_lead):
    lead = create_lead()
    body = {"stage_id": lead_stages["Proposal"], "probability": 0}
    moved = client.post(f"/v1/leads/{lead['id']}/move", json=body).json
    assert (moved["probability"], moved["probability_source"]) == (0, "manual")


def test_a_stage_without_a_probability_leaves_it_and_its_source(client, lead_stages, create_lead):
    stage = client.get(f"/v1/lead-stages/{lead_stages['Contacted']}").json
    path = f"/v1/lead-stages/{stage['id']}"
    assert client.patch(path, json={"probability": None}, version=stage["version"]).status_code == 200
    lead = create_lead(probability=33)
    moved = client.post(f"/v1/leads/{lead['id']}/move", json={"stage_id": stage["id"]}).json
    assert (moved["probability"], moved["probability_source"]) == (33, "manual")


def test_a_patch_of_the_stage_is_a_move_with_one_version_and_one_event(client, lead_stages, create_lead, told):
    lead = create_lead()
    body = {"stage_id": lead_stages["Contacted"], "notes": "called"}
    changed = client.patch(f"/v1/leads/{lead['id']}", json=body, version=1).json
    assert (changed["status"], changed["notes"], changed["version"]) == ("contacted", "called", 2)
    event = last(told)
    assert event["type"] == "crm.lead.stage_changed.v1"
    assert set(event["data"]["changed"]) >= {"notes", "stage_id", "status", "probability", "stage_entered_at"}


def test_moving_to_where_it_is_changes_nothing(client, lead_stages, create_lead, told):
    lead = create_lead()
    before = len(told())
    same = client.post(f"/v1/leads/{lead['id']}/move", json={"stage_id": lead_stages["New"]})
    assert (same.status_code, same.json) == (200, lead)
    assert len(told()) == before


def test_a_lead_is_lost_with_or_without_a_reason_and_reopened(client, lead_stages, create_lead, reasons, told):
    lead = create_lead()
    client.post(f"/v1/leads/{lead['id']}/move", json={"stage_id": lead_stages["Proposal"]})
    lost = client.post(f"/v1/leads/{lead['id']}/lose", json={"loss_reason_id": reasons["Price"]}).json
    assert (lost["status"], lost["probability"], lost["loss_reason"]) == ("lost", 0, "Price")
    assert lost["closed_at"] == lost["stage_entered_at"]
    assert last(told)["type"] == "crm.lead.lost.v1"
    again = client.post(f"/v1/leads/{lead['id']}/reopen", json={}).json
    assert (again["stage_id"], again["probability"]) == (lead_stages["Proposal"], 50)
    assert (again["closed_at"], again["loss_reason"], again["loss_reason_id"], again["reopen_count"]) == (None,) * 3 + (
        1,
    )
    assert last(told)["type"] == "crm.lead.reopened.v1"
    assert client.post(f"/v1/leads/{lead['id']}/lose", json={}).json["loss_reason"] is None


def test_moves_lose_and_reopen_as_well(client, lead_stages, create_lead, told):
    lead = create_lead()
    path = f"/v1/leads/{lead['id']}/move"
    lost = client.post(path, json={"stage_id": lead_stages["Closed Lost"], "loss_reason": "too small"}).json
    assert (lost["status"], lost["loss_reason"]) == ("lost", "too small")
    assert last(told)["type"] == "crm.lead.lost.v1"
    opened = client.post(path, json={"stage_id": lead_stages["New"]}).json
    assert (opened["status"], opened["reopen_count"], opened["probability"]) == ("new", 1, 5)
    assert last(told)["type"] == "crm.lead.reopened.v1"


def test_reopening_passes_over_a_stage_that_is_inactive_by_now(client, lead_stages, create_lead):
    lead = create_lead(stage_id=lead_stages["Proposal"])
    client.post(f"/v1/leads/{lead['id']}/lose", json={})
    stage = f"/v1/lead-stages/{lead_stages['Proposal']}"
    assert client.patch(stage, json={"is_active": False}, version=1).status_code == 200
    assert client.post(f"/v1/leads/{lead['id']}/reopen", json={}).json["stage_id"] == lead_stages["New"]


def test_what_is_lost_or_converted_stays_it(client, lead_stages, create_lead, superuser, company_id):
    lost = create_lead()
    path = f"/v1/leads/{lost['id']}"
    client.post(f"{path}/lose", json={})
    for action, body in (("lose", {}), ("move", {"stage_id": lead_stages["Closed Won"]})):
        assert client.post(f"{path}/{action}", json=body).status_code == 409, action
    assert client.post(f"{path}/lose", json={}).json["code"] == "lead_lost"
    assert client.patch(path, json={"probability": 50}, version=2).json["code"] == "lead_lost"
    assert client.patch(path, json={"notes": "still"}, version=2).status_code == 200
    converted = create_lead()
    superuser.execute(
        "UPDATE leads SET stage_id = %s, status = 'converted', closed_at = now(), converted_at = now() WHERE id = %s",
        (lead_stages["Closed Won"], converted["id"]),
    )
    path = f"/v1/leads/{converted['id']}"
    attempts = [
        client.patch(path, json={"notes": "x"}, version=1),
        client.post(f"{path}/move", json={"stage_id": lead_stages["New"]}),
        client.post(f"{path}/lose", json={}),
        client.post(f"{path}/reopen", json={}),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in attempts] == [(409, "lead_converted")] * 4
    assert client.post(f"{path}/assign", json={"assigned_to": 7}).status_code == 200
    assert client.delete(path, version=2).status_code == 204
    assert client.post(f"{path}/restore").status_code == 200


def test_an_open_lead_is_neither_reopened_nor_moved_into_a_converted_stage(client, lead_stages, create_lead):
    lead = create_lead()
    path = f"/v1/leads/{lead['id']}"
    assert client.post(f"{path}/reopen", json={}).json["code"] == "lead_open"
    into = client.post(f"{path}/move", json={"stage_id": lead_stages["Closed Won"]})
    assert (into.status_code, into.json["code"]) == (409, "conversion_required")
    into = client.post("/v1/leads", json={"lead_name": "Ada", "stage_id": lead_stages["Closed Won"]})
    assert (into.status_code, into.json["code"]) == (409, "conversion_required")
    lost = create_lead(stage_id=lead_stages["Closed Lost"], loss_reason="never mind")
    assert (lost["status"], lost["probability"], lost["loss_reason"]) == ("lost", 0, "never mind")


def test_an_archived_lead_takes_nothing_but_restore_and_purge(client, lead_stages, create_lead, told):
    lead = create_lead()
    path = f"/v1/leads/{lead['id']}"
    assert client.delete(path, version=1).status_code == 204
    attempts = [
        client.patch(path, json={"notes": "x"}, version=2),
        client.patch(path, json={"stage_id": lead_stages["Contacted"]}, version=2),
        client.post(f"{path}/move", json={"stage_id": lead_stages["Contacted"]}),
        client.post(f"{path}/lose", json={}),
        client.post(f"{path}/assign", json={"assigned_to": 7}),
        client.delete(path, version=2),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in attempts] == [(409, "lead_archived")] * 6
    assert client.get("/v1/leads").json["data"] == []
    assert client.post(f"{path}/restore").json["archived_at"] is None
    assert client.post(f"{path}/purge", version=3).status_code == 204
    assert [event["type"].split(".")[2] for event in told("leads")] == ["created", "archived", "restored", "purged"]


def test_a_lead_that_is_being_converted_waits_for_it(client, lead_stages, create_lead, superuser, company_id):
    lead = create_lead()
    row = superuser.execute(
        "INSERT INTO conversions (company_id, lead_id, wishes, lead_version, correlation_id)"
        " VALUES (%s, %s, '{}', 1, 'x') RETURNING id",
        (company_id, lead["id"]),
    ).fetchone()
    path = f"/v1/leads/{lead['id']}"
    attempts = [
        client.patch(path, json={"notes": "x"}, version=1),
        client.post(f"{path}/move", json={"stage_id": lead_stages["Contacted"]}),
        client.post(f"{path}/lose", json={}),
        client.delete(path, version=1),
        client.post(f"{path}/purge", version=1),
    ]
    assert [(answer.status_code, answer.json["code"]) for answer in attempts] == [(409, "lead_converting")] * 5
    assert {answer.headers["Location"] for answer in attempts} == {f"/v1/conversions/{row[0]}"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"stage_id": 2**40}, "unknown_stage"),
        ({"currency": "XXZ"}, "unknown_currency"),
        ({"currency": "JPY", "estimated_value": "10.50"}, "invalid_amount"),
        ({"loss_reason": "why"}, "validation_failed"),
        ({"customer_id": 2**40}, "unknown_customer"),
        ({"assigned_to": 2**40}, "unknown_user"),
        ({"status": "new"}, "validation_failed"),
        ({"estimated_value": "0"}, "invalid_value"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(client, told, body, code):
    answer = client.post("/v1/leads", json={"lead_name": "Ada"} | body)
    assert (answer.status_code, answer.json["code"]) == (422, code)
    assert told("leads") == []


def test_who_may_import_says_when_a_lead_was_created_and_lost(
    *, client, client_of, company_id, lead_stages, reasons, told
):
    created, lost = "2026-01-01T08:00:00+00:00", "2026-02-01T08:00:00+00:00"
    refused = client.post("/v1/leads", json={"lead_name": "Old", "created_at": created})
    assert (refused.status_code, refused.json["code"]) == (403, "permission_missing")
    importer = client_of(company_id, "leads:read leads:write leads:import")
    old = importer.post("/v1/leads", json={"lead_name": "Old", "created_at": created}).json
    assert old["created_at"] == old["stage_entered_at"] == created
    body = {"stage_id": lead_stages["Closed Lost"], "loss_reason_id": reasons["Price"]}
    body |= {"lead_name": "Gone", "created_at": created, "closed_at": lost}
    gone = importer.post("/v1/leads", json=body).json
    assert (gone["status"], gone["created_at"], gone["closed_at"]) == ("lost", created, lost)
    [row] = client.get(f"/v1/leads/{gone['id']}/history").json["data"]
    assert (row["entered_at"], row["left_at"]) == (created, None)
    assert last(told)["type"] == "crm.lead.created.v1"
    column = f"/v1/leads?stage_id={lead_stages['Closed Lost']}&sort=position"
    newer = importer.post("/v1/leads", json=body | {"lead_name": "Newer", "closed_at": "2026-02-02T08:00:00Z"}).json
    assert [lead["id"] for lead in client.get(column).json["data"]] == [newer["id"], gone["id"]]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"created_at": "2200-01-01T00:00:00Z"}, "created_in_future"),
        ({"closed_at": "2200-01-01T00:00:00Z"}, "closed_in_future"),
        ({"closed_at": "2020-01-01T00:00:00Z"}, "closed_before_created"),
        ({"created_at": "2026-01-02T00:00:00Z", "closed_at": "2026-01-01T00:00:00Z"}, "closed_before_created"),
    ],
)
def test_a_new_lead_lies_in_the_past_and_is_lost_after_that(client_of, company_id, lead_stages, values, code):
    importer = client_of(company_id, "leads:read leads:write leads:import")
    body = {"lead_name": "Old", "stage_id": lead_stages["Closed Lost"]} | values
    answer = importer.post("/v1/leads", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, code)


def test_a_lead_that_is_open_says_nothing_of_a_closing(client, lead_stages):
    body = {"lead_name": "New", "stage_id": lead_stages["New"], "closed_at": "2026-01-01T00:00:00Z"}
    answer = client.post("/v1/leads", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/closed_at"]
