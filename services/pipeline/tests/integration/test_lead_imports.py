"""Files of leads: from an event, from another system, and this service's own; run, refused, changed and reverted."""

import pytest

FAIR = (
    ("Attendee", "Company", "E-Mail", "Mobile", "Message", "Scanned at"),
    ("Grace Hopper", "Eckert Ltd", "grace@hopper.example", "+49 170 1234567", "wants a demo", "2026-03-01T09:30:00Z"),
    ("Ada Byron", "", "ada@byron.example", "", "", "2026-03-01T10:00:00Z"),
    ("", "", "nameless@fair.example", "", "", "2026-03-01T11:00:00Z"),
)
SALESFORCE = (
    (
        "Lead ID",
        "FirstName",
        "LastName",
        "Email",
        "Company",
        "LeadSource",
        "Status",
        "Rating",
        "CreatedDate",
        "OwnerId",
    ),
    (
        "00Q1",
        "Bertha",
        "Boxer",
        "b@x.example",
        "Farmers",
        "Web",
        "Working - Contacted",
        "Cold",
        "2023-05-04T17:21:08Z",
        "",
    ),
    ("00Q2", "", "Unknown", "u@x.example", "", "", "Closed - Not Converted", "", "2023-05-04T17:21:08Z", ""),
    ("00Q3", "Phyllis", "Cotton", "p@x.example", "", "", "Open - Not Contacted", "Hot", "2023-06-04T00:00:00Z", "005x"),
)


def leads_of(client, query=""):
    return {lead["lead_name"]: lead for lead in client.get(f"/v1/leads?limit=100{query}").json["data"]}


def test_a_list_of_a_fair_comes_in_as_proposed(imports, lead_stages):
    done = imports.run(imports.table(*FAIR))
    assert (done["state"], done["created_rows"]) == ("completed", 3), imports.errors(done["id"])
    found = leads_of(imports.client)
    grace = found["Grace Hopper"]
    assert (grace["email"], grace["phone_e164"]) == ("grace@hopper.example", "+491701234567")
    assert grace["description"] == "Eckert Ltd\nwants a demo"
    assert grace["created_at"] == grace["stage_entered_at"] == "2026-03-01T09:30:00+00:00"
    assert (grace["stage_id"], grace["probability"], grace["currency"]) == (lead_stages["New"], 5, "USD")
    assert found["nameless@fair.example"]["email"] == "nameless@fair.example"
    [row] = imports.client.get(f"/v1/leads/{grace['id']}/history").json["data"]
    assert (row["to_name"], row["entered_at"], row["left_at"]) == ("New", grace["created_at"], None)
    column = imports.client.get(f"/v1/leads?stage_id={lead_stages['New']}&sort=position").json["data"]
    assert [lead["lead_name"] for lead in column] == ["Grace Hopper", "Ada Byron", "nameless@fair.example"]


def test_another_systems_leads_are_in_the_stages_that_its_words_mean(imports, lead_stages, told):
    begun = imports.begin(imports.table(*SALESFORCE)).json
    assert begun["profile"] == "salesforce"
    # They are leads, whatever else they may look like.
    assert "proposed_record_type" not in begun
    assert begun["mapping"] == {
        "FirstName": "lead_name",
        "LastName": "lead_name",
        "Email": "email",
        "Company": "description",
        "LeadSource": "source",
        "Status": "stage_id",
        "Rating": "priority",
        "CreatedDate": "created_at",
    }
    done = imports.run(imports.table(*SALESFORCE))
    assert (done["state"], done["created_rows"]) == ("completed", 3), imports.errors(done["id"])
    found = leads_of(imports.client)
    assert found["Bertha Boxer"]["stage_id"] == lead_stages["Contacted"]
    assert (found["Bertha Boxer"]["priority"], found["Phyllis Cotton"]["priority"]) == ("low", "high")
    assert (found["Unknown"]["status"], found["Unknown"]["probability"]) == ("lost", 0)
    assert found["Unknown"]["closed_at"]
    assert [event["type"] for event in told("leads")] == ["crm.lead.created.v1"] * 3


def test_a_column_whose_samples_are_no_stage_is_doubted(imports):
    begun = imports.begin(imports.table(("Lead name", "Status"), ("Ada", "²"), ("Grace", "12"))).json
    assert begun["mapping"] == {"Lead name": "lead_name"}
    assert begun["columns"][1]["proposed_field"] == "stage_id"


def test_a_company_may_begin_with_a_file(imports):
    done = imports.run(imports.table(*SALESFORCE))
    assert (done["state"], done["created_rows"]) == ("completed", 3), imports.errors(done["id"])


def test_moments_are_compared_whatever_zones_they_are_written_in(imports):
    header = ("Lead name", "Stage", "Created at", "Closed at", "Currency")
    done = imports.run(
        imports.table(
            header,
            ("After", "Closed Lost", "2026-01-01T08:00:00+05:00", "2026-01-01T04:00:00Z", "eur"),
            ("Before", "Closed Lost", "2026-01-01T08:00:00Z", "2026-01-01T09:00:00+05:00", ""),
            ("Undated", "Closed Lost", "", "2026-01-01T09:00:00Z", ""),
        )
    )
    assert [(error["line"], error["code"]) for error in imports.errors(done["id"])] == [(3, "closed_before_created")]
    found = leads_of(imports.client)
    assert found["After"]["currency"] == "EUR"
    assert found["Undated"]["created_at"] == found["Undated"]["closed_at"] == "2026-01-01T09:00:00+00:00"


def test_what_was_lost_closes_when_the_file_says_and_after_it_was_created(imports, lead_stages):
    header = ("Lead name", "Stage", "Created at", "Closed at", "Loss reason")
    lost = ("Gone", "closed lost", "2026-01-01T08:00:00Z", "2026-02-01T08:00:00Z", "too dear")
    done = imports.run(
        imports.table(
            header,
            lost,
            ("Early", "Closed Lost", "2026-02-01T08:00:00Z", "2026-01-01T08:00:00Z", ""),
            ("Won", "Closed Won", "", "", ""),
            ("Nowhere", "Elsewhere", "", "", ""),
        )
    )
    assert (done["created_rows"], done["failed_rows"]) == (1, 3)
    codes = {error["line"]: error["code"] for error in imports.errors(done["id"])}
    assert codes == {3: "closed_before_created", 4: "conversion_required", 5: "unknown_stage"}
    gone = leads_of(imports.client)["Gone"]
    assert (gone["stage_id"], gone["closed_at"]) == (lead_stages["Closed Lost"], "2026-02-01T08:00:00+00:00")
    assert gone["loss_reason"] == "too dear"


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("Currency", "XXX", "unknown_currency"),
        ("Currency", "euro", "invalid_value"),
        ("Expected close date", "0001-01-01T00:00:00+14:00", "invalid_value"),
        ("Value", "-5", "invalid_value"),
        ("E-Mail", "nonsense", "invalid_value"),
        ("Owner", "nobody@here.example", "unknown_user"),
        ("Created at", "2200-01-01", "invalid_value"),
    ],
)
def test_each_fault_is_told_with_its_column(imports, column, value, code):
    begun = imports.begin(imports.table(("Lead name", column), ("Ada", value)), on_unknown="refuse")
    imports.step(begun.json["id"], "validate")
    [error] = imports.errors(begun.json["id"])
    assert (error["line"], error["column_name"], error["code"]) == (2, column, code)


def test_an_upsert_changes_the_leads_that_are_there_and_moves_no_card(imports, create_lead, lead_stages, told):
    known = create_lead(by=imports.client, lead_name="Ada", email="ada@byron.example", stage_id=lead_stages["Proposal"])
    file = imports.table(
        ("Email", "Lead name", "Status", "Value"),
        ("ADA@byron.example", "Ada Byron", "New", "1,200.50"),
        ("new@byron.example", "Annabella", "Contacted", "0"),
    )
    done = imports.run(file, mode="upsert", match_by="email")
    assert (done["created_rows"], done["updated_rows"]) == (1, 1), imports.errors(done["id"])
    found = leads_of(imports.client)
    ada = found["Ada Byron"]
    assert (ada["id"], ada["estimated_value"], ada["version"]) == (known["id"], "1200.50", 2)
    assert ada["stage_id"] == lead_stages["Proposal"]
    assert found["Annabella"]["estimated_value"] is None
    assert [event["type"] for event in told("leads")[1:]] == ["crm.lead.updated.v1", "crm.lead.created.v1"]
    back = imports.step(done["id"], "revert")
    assert (back["state"], back["reverted_rows"]) == ("reverted", 2)
    assert set(leads_of(imports.client)) == {"Ada"}
    assert leads_of(imports.client)["Ada"]["estimated_value"] is None


def test_a_revert_leaves_what_others_have_gone_on_with(imports, customer, create_deal):
    done = imports.run(imports.table(("Lead name",), ("Taken up",), ("Alone",)))
    lead = leads_of(imports.client)["Taken up"]
    create_deal(by=imports.client, customer_id=customer(), lead_id=lead["id"])
    back = imports.step(done["id"], "revert")
    assert (back["reverted_rows"], back["kept_rows"]) == (1, 1)
    assert set(leads_of(imports.client)) == {"Taken up"}


def test_our_own_export_comes_back_in(imports, client_of, company_id, create_lead):
    create_lead(by=imports.client, lead_name="Zoë", estimated_value="12.30", notes="a\nb", priority="high")
    exporter = client_of(company_id, "leads:read leads:export")
    content = exporter.get("/v1/leads/export.csv").data
    begun = imports.begin(content).json
    assert begun["profile"] == "own"
    done = imports.run(content)
    assert (done["state"], done["created_rows"]) == ("completed", 1), imports.errors(done["id"])
    both = imports.client.get("/v1/leads").json["data"]
    same = ("lead_name", "estimated_value", "notes", "priority", "stage_id", "created_at")
    assert len({tuple(lead[name] for name in same) for lead in both}) == 1


def test_what_was_converted_is_not_changed(*, imports, client_of, company_id, customer, create_lead, usual_scope):
    client = client_of(company_id, f"{usual_scope} customers:read customers:write")
    lead = create_lead(by=imports.client, email="ada@byron.example", estimated_value="1.00")
    used = {"customer": {"use": customer()}}
    converted = client.post(f"/v1/leads/{lead['id']}/convert", json=used)
    assert converted.status_code == 201, converted.json
    done = imports.run(
        imports.table(("Email", "Notes"), ("ada@byron.example", "late")), mode="update", match_by="email"
    )
    assert [error["code"] for error in imports.errors(done["id"])] == ["lead_converted"]


def test_a_stage_that_goes_while_the_import_waits_refuses_its_rows_alone(imports, client, lead_stages):
    content = imports.table(("Lead name", "Stage"), ("A", "Negotiation"), ("B", "New"))
    begun = imports.begin(content).json["id"]
    imports.step(begun, "validate")
    stage = f"/v1/lead-stages/{lead_stages['Negotiation']}"
    assert client.delete(stage, version=1).status_code == 204
    done = imports.step(begun, "start")
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed_with_errors", 1, 1)
    assert set(leads_of(imports.client)) == {"B"}
