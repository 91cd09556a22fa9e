"""Exports of deals by four well-known systems come in, and customers says whom they are with, also after it was away."""

import csv
import io
from dataclasses import replace
from threading import Event as Flag

import psycopg
import pytest

from chassis.db.session import Database
from chassis.references.asking import References
from chassis.service import load
from chassis.testing.fixtures import Client
from chassis.testing.importing import RecordImports
from imports.engine import lifecycle
from pipeline import handlers

SCOPE = "deals:read deals:write deals:import customers:read customers:write pipelines:write"
NOWHERE = "customers=http://127.0.0.1:9"
NEVER = Flag()

HUBSPOT = """\
Record ID,Deal Name,Deal Stage,Pipeline,Close Date,Deal owner,Amount,Currency,Create Date,Associated Company,Associated Company IDs,Associated Contact,Closed Lost Reason,Deal probability,Weighted amount,Type
31, Pump order ,Closed Won,Sales Pipeline,2026-03-04 14:30,Nobody Here,"12,500.00",eur,2026-01-10 09:00,Acme GmbH (acme.example),9001,Jo Doe (jo@acme.example),,1,"12,500.00",newbusiness
32,"Valves, second try",Closed Lost,Sales Pipeline,2026-02-01,,"1,000",USD,2026-01-11 09:00,ACME,,,Price,0,0,
33,Service,Negotiating hard,,2099-06-30,,"7,350.50",,2026-01-12,,9009,,,0.4,,
34,Spare parts,Contract Sent,,,,,,,,,Jo Doe (jo@acme.example),,,,
35,Ghost,Closed Won,,2026-03-01,,5,,,Ghost Ltd,77777,,,,,
36,Twins,Appointment Scheduled,,,,5,,,Twin,,,,,,
37,Both,Appointment Scheduled,,,,5,,,Acme GmbH (acme.example);Ghost Ltd,9001;77777,Jo Doe (jo@acme.example);Al Ghost,,,,
"""
PIPEDRIVE = """\
Deal - ID,Deal - Title,Deal - Organization,Deal - Contact person,Deal - Value,Deal - Currency of Value,Deal - Weighted value,Deal - Pipeline,Deal - Stage,Deal - Status,Deal - Probability,Deal - Expected close date,Deal - Won time,Deal - Lost time,Deal - Lost reason,Deal - Deal created,Deal - Deal closed on,Deal - Owner,Deal - Label
1,Pump order,Acme GmbH,Jo Doe,12500,EUR,12500,Sales,Negotiations Started,Won,,,2026-03-04 14:30:00,,,2026-01-10 09:00:00,2026-03-04 14:30:00,Nobody,Hot
2,Valves,Acme GmbH,,"1,000",USD,0,Sales,Proposal Made,Lost,,2026-02-20,,2026-02-01 08:00:00,too dear,2026-01-11 09:00:00,2026-02-01 08:00:00,,
3,Service,,Solo Trader,7350.5,USD,0,Sales,Demo Scheduled,Open,65,2099-06-30,,,,2026-01-12 09:00:00,,,
4,Ghost,Ghost Ltd,,5,USD,0,Sales,Nirvana,Deleted,,,,,,,,,
"""
ZOHO = """\
Record Id,Deal Owner.id,Deal Owner,Deal Name,Account Name.id,Account Name,Contact Name,Amount,Stage,Probability (%),Closing Date,Expected Revenue,Lead Source,Reason For Loss,Created Time,Currency,Description,Type
zcrm_51,zcrm_9,Nobody,Pump order,9001,Acme,Jo,"$ 12,500.00",Closed Won,100,2026-03-04,"$ 12,500.00",Web,,2026-01-10 09:00:00,EUR,said yes,New
zcrm_52,,,Valves,,Acme GmbH,,"$ 1,000.00",Closed-Lost to Competition,0,2026-02-01,,,Competitor,2026-01-11 09:00:00,USD,,
zcrm_53,,,Service,9009,Old name,,"$ 7,350.50",Negotiation/Review,65,2099-06-30,,,,2026-01-12 09:00:00,,,
zcrm_54,,,Ghost,,Ghost Ltd,,5,Needs Analysis,,,,,,,,,
"""
SALESFORCE = """\
Opportunity Name,Account Name,Type,Lead Source,Amount Currency,Amount,Expected Revenue,Close Date,Next Step,Stage,Probability (%),Fiscal Period,Age,Created Date,Opportunity Owner,Owner Role
Pump order,Acme GmbH,New,Web,EUR,"12,500.00","12,500.00",3/14/2026,,Closed Won,100,Q1-2026,53,1/20/2026,Nobody,
Valves,"ACME, GmbH",,,USD,"1,000.00",0,2/13/2026,,Closed Lost,0,Q1-2026,20,1/21/2026,,
Service,Acme GmbH,,,USD,"7,350.50",,6/30/2099,call them,Negotiation/Review,65,Q2-2099,3,1/22/2026,,
Ghost,Ghost Ltd,,,USD,5,,,,Prospecting,10,,,,,
"""
FILES = {"hubspot": HUBSPOT, "pipedrive": PIPEDRIVE, "zoho": ZOHO, "salesforce": SALESFORCE}
# What each column goes to; the others are left out.
MAPPINGS = {
    "hubspot": {
        "Deal Name": "deal_name",
        "Deal Stage": "stage_id",
        "Pipeline": "pipeline_id",
        "Close Date": "expected_close_date",
        "Deal owner": "assigned_to",
        "Amount": "deal_value",
        "Currency": "currency",
        "Create Date": "created_at",
        "Associated Company": "company_name",
        "Associated Company IDs": "customer_code",
        "Associated Contact": "contact_name",
        "Closed Lost Reason": "loss_reason",
        "Deal probability": "probability",
    },
    "pipedrive": {
        "Deal - Title": "deal_name",
        "Deal - Organization": "company_name",
        "Deal - Contact person": "contact_name",
        "Deal - Value": "deal_value",
        "Deal - Currency of Value": "currency",
        "Deal - Pipeline": "pipeline_id",
        "Deal - Stage": "stage_id",
        "Deal - Status": "status",
        "Deal - Probability": "probability",
        "Deal - Expected close date": "expected_close_date",
        "Deal - Won time": "closed_at",
        "Deal - Lost time": "closed_at",
        "Deal - Lost reason": "loss_reason",
        "Deal - Deal created": "created_at",
        "Deal - Deal closed on": "closed_at",
        "Deal - Owner": "assigned_to",
    },
    "zoho": {
        "Deal Owner": "assigned_to",
        "Deal Name": "deal_name",
        "Account Name.id": "customer_code",
        "Account Name": "company_name",
        "Contact Name": "contact_name",
        "Amount": "deal_value",
        "Stage": "stage_id",
        "Probability (%)": "probability",
        "Closing Date": "expected_close_date",
        "Reason For Loss": "loss_reason",
        "Created Time": "created_at",
        "Currency": "currency",
        "Description": "notes",
    },
    "salesforce": {
        "Opportunity Name": "deal_name",
        "Account Name": "company_name",
        "Amount Currency": "currency",
        "Amount": "deal_value",
        "Close Date": "expected_close_date",
        "Next Step": "notes",
        "Stage": "stage_id",
        "Probability (%)": "probability",
        "Created Date": "created_at",
        "Opportunity Owner": "assigned_to",
    },
}
WON_ON = {"salesforce": "2026-03-14"}
LOST_ON = {"salesforce": "2026-02-13"}


@pytest.fixture(scope="module")
def database(migrated):
    made = Database(migrated("pipeline").app)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def asking(application_of, customers_serving, serving, service_key, database):
    """Pipeline's application, and whom its worker asks: customers, or somewhere where nobody answers."""
    urls = f"identity={serving.url} customers={customers_serving.url}"
    application = application_of("pipeline", service_urls=urls, service_key=service_key)

    def references(urls=urls):
        settings = replace(application.config["SETTINGS"], service_urls=urls)
        return References(load("pipeline").references, settings, database, seconds=30)

    return application, references


class Company:
    """A company with customers that a file may name, and imports of deals."""

    def __init__(self, clients, database, references):
        self.pipeline, self.customers = clients
        self.references = references()
        self.imports = RecordImports(
            self.pipeline, "deals", lambda stop: handlers.work_on_deal_imports(database, stop, self.references)
        )

    def customer(self, **values):
        answer = self.customers.post("/v1/customers", json=values)
        assert answer.status_code == 201, answer.json
        return answer.json

    def deals(self):
        return {deal["deal_name"]: deal for deal in self.pipeline.get("/v1/deals?limit=100").json["data"]}


@pytest.fixture
def company(*, asking, applications, tokens, company_id, database, customers_serving):
    application, references = asking
    token = tokens.sign(company_id=company_id, sub="7", scope=SCOPE)
    customers_serving.asked.clear()
    clients = [Client(one.test_client(), token) for one in (application, applications["customers"])]
    yield Company(clients, database, references)
    customers_serving.meanwhile = lambda: None


@pytest.fixture
def acme(company):
    acme = company.customer(
        name="Acme GmbH", customer_type="business", customer_code="9001", website="https://acme.example"
    )
    contact = {"first_name": "Jo", "last_name": "Doe", "email": "jo@acme.example"}
    assert company.customers.post(f"/v1/customers/{acme['id']}/contacts", json=contact).status_code == 201
    return acme


@pytest.fixture
def others(company):
    """One that was merged, into one that is called otherwise; two of one name; and one who is a person."""
    kept, gone = company.customer(name="Kept"), company.customer(name="Old name", customer_code="9009")
    body = {"from": [{"id": gone["id"], "version": 1}], "fields": {}}
    merged = company.customers.post(f"/v1/customers/{kept['id']}/merge", json=body, version=1)
    assert merged.status_code == 200, merged.json
    for name in ("Twin AG", "Twin Ltd"):
        company.customer(name="Twin", company_name=name)
    return {"kept": kept["id"], "solo": company.customer(name="Solo Trader")["id"]}


@pytest.mark.parametrize("profile", FILES)
def test_a_systems_deals_come_in_as_proposed(company, acme, others, profile, customers_serving):
    begun = company.imports.begin(FILES[profile].encode()).json
    assert begun["profile"] == profile
    assert begun["mapping"] == MAPPINGS[profile]
    done = company.imports.finish(begun["id"])
    refused = {
        "hubspot": [(6, "customer_not_found"), (7, "ambiguous_customer")],
        "pipedrive": [(5, "customer_not_found")],
        "zoho": [(5, "customer_not_found")],
        "salesforce": [(5, "customer_not_found")],
    }[profile]
    assert [(error["line"], error["code"]) for error in company.imports.errors(done["id"])] == refused
    # Once for the validation and once for the run.
    assert sum("/named-customers/" in path for path in customers_serving.asked) == 2
    found = company.deals()
    won, service = found["Pump order"], found["Service"]
    [lost] = [deal for deal in found.values() if deal["status"] == "lost"]
    assert (won["status"], won["deal_value"], won["currency"]) == ("won", "12500.00", "EUR")
    assert won["actual_close_date"] == WON_ON.get(profile, "2026-03-04")
    assert (won["customer_id"], lost["customer_id"]) == (acme["id"], acme["id"])
    assert (lost["deal_value"], lost["actual_close_date"]) == ("1000.00", LOST_ON.get(profile, "2026-02-01"))
    reasons = {"hubspot": "Price", "pipedrive": "too dear", "zoho": "Competitor", "salesforce": "Not stated"}
    assert lost["loss_reason"] == reasons[profile]
    with_whom = {"hubspot": others["kept"], "pipedrive": others["solo"], "zoho": others["kept"]}
    assert service["customer_id"] == with_whom.get(profile, acme["id"])
    stage = {"hubspot": ("prospect", 40), "pipedrive": ("qualified", 65)}.get(profile, ("negotiation", 65))
    assert (service["stage"], service["probability"], service["probability_source"]) == (*stage, "manual")
    assert (service["deal_value"], service["expected_close_date"]) == ("7350.50", "2099-06-30")
    if profile == "hubspot":
        assert (found["Spare parts"]["customer_id"], found["Spare parts"]["deal_value"]) == (acme["id"], "0.00")
        warned = {(fault["line"], fault["column_name"]) for fault in company.imports.errors(done["id"], "warning")}
        assert {(2, "Pipeline"), (2, "Deal owner"), (4, "Deal Stage"), (5, "Amount")} <= warned
        assert found["Both"]["customer_id"] == acme["id"]
        assert {
            (8, column) for column in ("Associated Company", "Associated Company IDs", "Associated Contact")
        } <= warned
    if profile == "pipedrive":
        assert won["last_open_probability"] == 75


def test_columns_that_a_dataloader_names_are_those_of_salesforce(company):
    columns = ["Id", "Name", "AccountId", "StageName", "Amount", "Probability", "CloseDate", "CreatedDate", "OwnerId"]
    table = io.StringIO()
    csv.writer(table).writerows([columns, ["006x", "A", "001x", "Prospecting", "5", "10", "2026-05-01", "", "005x"]])
    begun = company.imports.begin(table.getvalue().encode()).json
    assert begun["profile"] == "salesforce"
    assert begun["mapping"] == {
        "Name": "deal_name",
        "AccountId": "customer_code",
        "StageName": "stage_id",
        "Amount": "deal_value",
        "Probability": "probability",
        "CloseDate": "expected_close_date",
        "CreatedDate": "created_at",
    }


@pytest.mark.parametrize("at_once", [False, True])
def test_while_customers_is_away_an_import_waits_and_then_goes_on(company, asking, acme, monkeypatch, at_once):
    monkeypatch.setattr(lifecycle, "CHUNK", 2)
    rows = (("Deal name", "Account"), *((f"D{number}", "Acme GmbH") for number in range(5)))
    _, references = asking
    here, company.references = company.references, references(NOWHERE)
    begun = company.imports.begin(company.imports.table(*rows), all_or_nothing=at_once).json["id"]
    checked = company.imports.step(begun, "validate")
    assert (checked["state"], checked["waiting_for"]) == ("validating", "customers")
    company.references = here
    company.imports.work(NEVER)
    checked = company.imports.get(begun)
    assert (checked["state"], checked["waiting_for"], checked["waiting_since"]) == ("awaiting_confirmation", None, None)
    company.references = references(NOWHERE)
    waiting = company.imports.step(begun, "start")
    assert (waiting["state"], waiting["processed_rows"], company.deals()) == ("running", 0, {})
    assert waiting["waiting_for"] == "customers"
    company.imports.work(NEVER)
    # It goes on waiting since then.
    assert company.imports.get(begun)["waiting_since"] == waiting["waiting_since"]
    company.references = here
    company.imports.work(NEVER)
    done = company.imports.get(begun)
    assert (done["state"], done["created_rows"], len(company.deals())) == ("completed", 5, 5)
    assert (done["waiting_for"], done["waiting_since"]) == (None, None)
    assert {deal["customer_id"] for deal in company.deals().values()} == {acme["id"]}


@pytest.mark.parametrize("at_once", [False, True])
def test_nobody_waits_for_customers_in_a_transaction(
    *, company, acme, migrated, customers_serving, monkeypatch, at_once
):
    monkeypatch.setattr(lifecycle, "CHUNK", 2)
    rows = (("Deal name", "Account"), *((f"D{number}", "Acme GmbH") for number in range(2)))
    looks, seen = [], []

    def look():
        looks.append(at_once)
        with psycopg.connect(migrated("pipeline").superuser) as connection:
            seen.extend(
                connection.execute(
                    "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                    " AND xact_start IS NOT NULL AND backend_type = 'client backend'"
                ).fetchall()
            )

    customers_serving.meanwhile = look
    done = company.imports.run(company.imports.table(*rows), all_or_nothing=at_once)
    assert done["created_rows"] == 2
    assert looks
    assert seen == []


def test_a_company_sees_no_other_ones_customers(*, company, acme, asking, applications, tokens, company_id, database):
    token = tokens.sign(company_id=company_id + 10**9, sub="7", scope=SCOPE)
    clients = [Client(one.test_client(), token) for one in (asking[0], applications["customers"])]
    other = Company(clients, database, asking[1])
    table = other.imports.table(
        ("Deal name", "Account", "CRM customer id"), ("A", "Acme GmbH", ""), ("B", "", str(acme["id"]))
    )
    done = other.imports.run(table)
    assert [error["code"] for error in other.imports.errors(done["id"])] == ["customer_not_found"] * 2


@pytest.mark.parametrize("scope", ["customers:read:own", ""], ids=["their own", "no right to read"])
def test_who_sees_their_own_customers_alone_finds_no_other_ones(*, company, acme, asking, tokens, company_id, scope):
    token = tokens.sign(company_id=company_id, sub="8", scope=f"deals:read deals:write deals:import {scope}")
    company.imports.client = Client(asking[0].test_client(), token)
    done = company.imports.run(company.imports.table(("Deal name", "Account"), ("A", acme["name"]), ("B", "Ghost")))
    # What is hidden and what is not there get the same answer.
    assert [error["code"] for error in company.imports.errors(done["id"])] == ["customer_not_found"] * 2
