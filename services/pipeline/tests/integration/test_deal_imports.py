"""Files of deals: won and lost ones with their dates, stages by other systems' words, changes, and the way back."""

import pytest

from chassis.testing.days import day


def deals_of(client, query=""):
    return {deal["deal_name"]: deal for deal in client.get(f"/v1/deals?limit=100{query}").json["data"]}


def codes(imports, done, severity="error"):
    return [(error["line"], error["column_name"], error["code"]) for error in imports.errors(done["id"], severity)]


@pytest.fixture
def mine(customer):
    return str(customer())


HEADER = ("Deal Name", "CRM customer id", "Deal Stage", "Amount", "Close Date", "Create Date", "Closed Lost Reason")


def test_deals_come_in_where_they_stand_with_what_was_won_and_lost(
    *, deal_imports, mine, deal_stages, company, reasons, told
):
    company("EUR", "America/New_York")
    ahead = day(40)
    done = deal_imports.run(
        deal_imports.table(
            HEADER,
            ("Open", mine, "Contract Sent", "$12,500.00", ahead, "2026-01-05 09:00", ""),
            ("Won", mine, "Closed Won", "1,000.50", "2026-03-04", "2026-01-05 09:00", ""),
            ("Lost", mine, "closedlost", "", "2026-02-10", "2026-02-10 23:00", "price"),
            ("Late", mine, "Closed Lost (Sales)", "0", "2026-02-10", "2026-05-01 09:00", ""),
        )
    )
    assert (done["state"], done["created_rows"]) == ("completed", 4), deal_imports.errors(done["id"])
    found = deals_of(deal_imports.client)
    opened, won, lost, late = (found[name] for name in ("Open", "Won", "Lost", "Late"))
    assert (opened["stage_id"], opened["probability"]) == (deal_stages["negotiation"], 75)
    assert (opened["deal_value"], opened["currency"]) == ("12500.00", "EUR")
    assert opened["expected_close_date"] == ahead
    assert (won["status"], won["deal_value"], won["probability"]) == ("won", "1000.50", 100)
    # The day is one of New York.
    assert (won["closed_at"], won["actual_close_date"]) == ("2026-03-04T05:00:00+00:00", "2026-03-04")
    assert (won["close_rate"], won["close_rate_base"]) == ("1.0000000000", "EUR")
    assert (lost["loss_reason_id"], lost["loss_reason"], lost["deal_value"]) == (reasons["Price"], "Price", "0.00")
    assert lost["closed_at"] == lost["created_at"] == "2026-02-10T23:00:00+00:00"
    assert (late["loss_reason"], late["created_at"]) == ("Not stated", late["closed_at"])
    assert codes(deal_imports, done, "warning") == [
        (4, "Amount", "left_empty"),
        (5, None, "closing_supposed"),
        (5, "Closed Lost Reason", "left_empty"),
    ]
    [row] = deal_imports.client.get(f"/v1/deals/{won['id']}/history").json["data"]
    assert (row["to_name"], row["entered_at"]) == ("Closed Won", won["created_at"])
    assert [event["type"] for event in told("deals")] == ["crm.deal.created.v1"] * 4


def test_a_state_beside_the_stage_says_how_a_deal_has_ended_after_it(deal_imports, mine, deal_stages):
    header = ("Deal - Title", "CRM customer id", "Deal - Stage", "Deal - Status", "Deal - Won time", "Deal - Lost time")
    done = deal_imports.run(
        deal_imports.table(
            header,
            ("Won", mine, "Negotiations Started", "Won", "2026-03-04 10:30:00", ""),
            ("Lost", mine, "", "Lost", "", "2026-03-05 11:00:00"),
            ("Torn", mine, "Closed Won", "Open", "", ""),
            ("Open", mine, "", "Open", "2026-03-04 10:30:00", ""),
        ),
        on_unknown="refuse",
    )
    assert codes(deal_imports, done) == [(4, "Deal - Stage", "stage_unfit")]
    found = deals_of(deal_imports.client)
    won, lost = found["Won"], found["Lost"]
    assert (won["stage_id"], won["last_open_stage_id"]) == (deal_stages["closed_won"], deal_stages["negotiation"])
    assert (won["last_open_probability"], won["closed_at"]) == (75, "2026-03-04T10:30:00+00:00")
    assert (lost["stage_id"], lost["closed_at"]) == (deal_stages["closed_lost"], "2026-03-05T11:00:00+00:00")
    assert (found["Open"]["stage_id"], found["Open"]["closed_at"]) == (deal_stages["prospect"], None)


def test_pipelines_are_found_by_name_and_their_stages_in_them(deal_imports, client, mine, deal_stages):
    second = client.post("/v1/pipelines", json={"name": "Renewals"}).json["id"]
    path = f"/v1/pipelines/{second}/stages"
    assert client.post(path, json={"name": "Due", "kind": "open"}).status_code == 201
    stages = {row["name"]: row["id"] for row in client.get(path).json["data"]}
    done = deal_imports.run(
        deal_imports.table(
            ("Deal name", "CRM customer id", "Pipeline", "Stage"),
            ("A", mine, "renewals", "Proposal"),
            ("B", mine, "", "Proposal"),
            ("C", mine, "", "Due"),
            ("D", mine, "Renewals", "Won"),
            ("E", mine, "Elsewhere", "Due"),
            ("F", mine, "", "Proposal (Renewals)"),
            ("G", mine, "", str(stages["Closed Lost"])),
            ("H", mine, "Sales", str(stages["Due"])),
            ("I", mine, "Renewals", "Somewhere"),
        ),
        on_unknown="refuse",
    )
    assert codes(deal_imports, done) == [
        (6, "Pipeline", "unknown_pipeline"),
        (9, "Stage", "unknown_stage"),
        (10, "Stage", "unknown_stage"),
    ]
    assert {name: deal["stage_id"] for name, deal in deals_of(deal_imports.client).items()} == {
        "A": stages["Proposal"],
        "B": deal_stages["proposal"],
        "C": stages["Due"],
        "D": stages["Closed Won"],
        "F": stages["Proposal"],
        "G": stages["Closed Lost"],
    }
    left = deal_imports.run(
        deal_imports.table(
            ("Deal name", "CRM customer id", "Pipeline", "Stage"),
            ("J", mine, "Elsewhere", "Lost in space"),
            ("K", mine, "", "Proposal"),
        ),
        on_unknown="empty",
    )
    said = codes(deal_imports, left, "warning")
    assert {(2, "Pipeline", "left_empty"), (2, "Stage", "left_empty")} < set(said), said
    assert deals_of(deal_imports.client)["J"]["stage_id"] == deal_stages["prospect"]


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("Currency", "XXX", "unknown_currency"),
        ("Amount", "-5", "invalid_value"),
        ("Amount", "1.005", "invalid_value"),
        ("Probability (%)", "120", "invalid_value"),
        ("Closed at", "2200-01-01", "invalid_value"),
        ("Owner", "nobody@here.example", "unknown_user"),
        ("CRM customer id", "999999999", "customer_not_found"),
    ],
)
def test_each_fault_is_told_with_its_column(deal_imports, mine, column, value, code):
    cells = {"Deal name": "Ada", "CRM customer id": mine, column: value}
    options = {"on_unknown": "refuse", "decimal_mark": "."}
    begun = deal_imports.begin(deal_imports.table(tuple(cells), tuple(cells.values())), **options)
    deal_imports.step(begun.json["id"], "validate")
    assert codes(deal_imports, {"id": begun.json["id"]}) == [(2, column, code)]


def test_a_customer_that_is_not_said_or_not_live_refuses_its_row_alone(deal_imports, customer, mine):
    archived, merged = customer(archived_at="2026-01-01"), customer(merged_into=int(mine))
    done = deal_imports.run(
        deal_imports.table(
            ("Deal name", "CRM customer id"),
            ("A", ""),
            ("B", str(archived)),
            ("C", str(merged)),
            ("D", mine),
            ("", mine),
        )
    )
    assert [(line, code) for line, _, code in codes(deal_imports, done)] == [
        (2, "required"),
        (3, "customer_archived"),
        (4, "customer_archived"),
        (6, "required"),
    ]
    assert list(deals_of(deal_imports.client)) == ["D"]


def test_a_customer_that_goes_while_the_import_waits_refuses_its_rows(deal_imports, superuser, mine):
    begun = deal_imports.begin(deal_imports.table(("Deal name", "CRM customer id"), ("A", mine))).json["id"]
    deal_imports.step(begun, "validate")
    superuser.execute("UPDATE customer_refs SET archived_at = now() WHERE customer_id = %s", (int(mine),))
    done = deal_imports.step(begun, "start")
    assert (done["state"], done["failed_rows"]) == ("completed_with_errors", 1)
    assert codes(deal_imports, done)[0][2] == "customer_archived"


def test_what_a_stage_requires_is_required_of_its_rows(deal_imports, client, mine, deal_stages):
    path = f"/v1/deal-stages/{deal_stages['negotiation']}"
    assert client.patch(path, json={"required_fields": ["deal_value", "notes"]}, version=1).status_code == 200
    done = deal_imports.run(
        deal_imports.table(
            ("Deal name", "CRM customer id", "Stage", "Amount", "Description"),
            ("A", mine, "Negotiation", "5", "said"),
            ("B", mine, "Negotiation", "", "said"),
            ("C", mine, "Negotiation", "5", ""),
        )
    )
    assert codes(deal_imports, done) == [
        (3, "Amount", "required_for_stage"),
        (4, "Description", "required_for_stage"),
    ]


@pytest.mark.parametrize("match_by", ["id", "deal_name"])
def test_an_update_changes_deals_moves_no_card_and_goes_back(*, deal_imports, create_deal, deal_stages, told, match_by):
    known = create_deal(
        by=deal_imports.client, deal_name="Ada", stage_id=deal_stages["proposal"], expected_close_date="2027-01-01"
    )
    key = {"id": str(known["id"]), "deal_name": "Ada"}[match_by]
    title = {"id": "ID", "deal_name": "Deal name"}[match_by]
    file = deal_imports.table(
        (title, "Stage", "Amount", "Expected close date", "Probability"),
        (key, "Closed Won", "1,200.50", "2027-02-01", "0.4"),
    )
    begun = deal_imports.begin(file, mode="update", match_by=match_by).json
    assert begun["mapping"]["Amount"] == "deal_value"
    path = f"/v1/deals/imports/{begun['id']}"
    mapping = begun["mapping"] | {title: match_by, "Stage": "stage_id"}
    patched = deal_imports.client.patch(path, json={"mapping": mapping}, version=begun["version"])
    assert patched.status_code == 200, patched.json
    deal_imports.step(begun["id"], "validate")
    done = deal_imports.step(begun["id"], "start")
    assert (done["state"], done["updated_rows"]) == ("completed", 1), deal_imports.errors(done["id"])
    deal = deals_of(deal_imports.client)["Ada"]
    assert (deal["stage_id"], deal["deal_value"]) == (deal_stages["proposal"], "1200.50")
    assert (deal["probability"], deal["probability_source"]) == (40, "manual")
    back = deal_imports.step(done["id"], "revert")
    assert (back["state"], back["reverted_rows"]) == ("reverted", 1)
    restored = deals_of(deal_imports.client)["Ada"]
    same = ("deal_value", "probability", "probability_source", "expected_close_date", "stage_id")
    assert [restored[name] for name in same] == [known[name] for name in same]
    assert [event["type"] for event in told("deals")[1:]] == ["crm.deal.updated.v1"] * 2


def test_days_that_were_expected_are_noted_whoever_says_them(*, deal_imports, create_deal, superuser, mine):
    create_deal(by=deal_imports.client, deal_name="Ada", expected_close_date="2027-01-01", customer_id=int(mine))
    header = ("Deal name", "CRM customer id", "Expected close date")
    rows = (("Ada", mine, "2027-02-01"), ("New", mine, "2027-03-01"))
    done = deal_imports.run(deal_imports.table(header, *rows), mode="upsert", match_by="deal_name")
    assert (done["created_rows"], done["updated_rows"]) == (1, 1), deal_imports.errors(done["id"])
    deal_imports.step(done["id"], "revert")
    noted = superuser.execute(
        "SELECT old_date::text, new_date::text FROM close_date_history WHERE company_id = %s ORDER BY id",
        (deal_imports.client.get("/v1/deals").json["data"][0]["company_id"],),
    ).fetchall()
    assert noted == [(None, "2027-01-01"), ("2027-01-01", "2027-02-01"), ("2027-02-01", "2027-01-01")]


def test_what_is_closed_stays_certain_and_a_name_may_be_another_customers(
    *, deal_imports, create_deal, mine, customer, company, client
):
    company("USD")
    rate = {"currency": "EUR", "rate": "1.1", "valid_on": "2020-01-01"}
    assert client.post("/v1/exchange-rates", json=rate).status_code == 201
    for name in ("Shut", "Twin", "Twin"):
        create_deal(by=deal_imports.client, deal_name=name, customer_id=int(mine))
    shut = deals_of(deal_imports.client)["Shut"]
    assert deal_imports.client.post(f"/v1/deals/{shut['id']}/win", json={}, version=1).status_code == 200
    done = deal_imports.run(
        deal_imports.table(
            ("Deal name", "CRM customer id", "Probability", "Currency"),
            ("Shut", mine, "50%", "EUR"),
            ("Twin", mine, "50%", ""),
        ),
        mode="upsert",
        match_by="deal_name",
    )
    assert codes(deal_imports, done) == [
        (3, "Deal name", "ambiguous_match"),
        (2, "Probability", "deal_closed"),
    ] or codes(deal_imports, done) == [(2, "Probability", "deal_closed"), (3, "Deal name", "ambiguous_match")]
    again = deal_imports.run(
        deal_imports.table(("Deal name", "CRM customer id", "Currency"), ("Shut", mine, "eur")),
        mode="upsert",
        match_by="deal_name",
    )
    assert again["updated_rows"] == 1, deal_imports.errors(again["id"])
    assert deals_of(deal_imports.client)["Shut"]["close_rate"] == "1.1000000000"
    deal_imports.step(again["id"], "revert")
    assert deals_of(deal_imports.client)["Shut"]["close_rate"] == "1.0000000000"
    other = deal_imports.run(
        deal_imports.table(("Deal name", "CRM customer id", "Notes"), ("Shut", str(customer()), "theirs")),
        mode="upsert",
        match_by="deal_name",
    )
    assert codes(deal_imports, other) == [(2, "Deal name", "customer_mismatch")]


def test_our_own_export_comes_back_in(deal_imports, create_deal):
    made = create_deal(by=deal_imports.client, deal_name="Zoë", deal_value="12.30", notes="a\nb", probability=33)
    lost = create_deal(by=deal_imports.client, deal_name="Shut")
    path = f"/v1/deals/{lost['id']}/lose"
    assert (
        deal_imports.client.post(path, json={"loss_reason_id": reason_of(deal_imports)}, version=1).status_code == 200
    )
    content = deal_imports.client.get("/v1/deals/export.csv").data
    assert deal_imports.begin(content).json["profile"] == "own"
    done = deal_imports.run(content)
    assert (done["state"], done["created_rows"]) == ("completed", 2), deal_imports.errors(done["id"])
    same = ("deal_name", "deal_value", "notes", "stage_id", "created_at", "customer_id", "probability", "closed_at")
    both = deal_imports.client.get("/v1/deals?limit=100").json["data"]
    assert len({tuple(deal[name] for name in (*same, "loss_reason", "loss_reason_id")) for deal in both}) == 2
    assert {deal["deal_name"] for deal in both} == {made["deal_name"], "Shut"}


def reason_of(imports):
    return imports.client.get("/v1/loss-reasons").json["data"][0]["id"]


def test_who_may_not_import_deals_begins_none(client):
    assert client.post("/v1/deals/imports", json={"filename": "deals.csv"}).status_code == 403
