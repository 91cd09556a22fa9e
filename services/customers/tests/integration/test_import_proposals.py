"""Imports take files as other programs write them: as proposed, with a word on all that is left out."""

import csv
import io
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from imports.engine import lifecycle

PATH = "/v1/customers/imports"


@pytest.fixture
def client(imports: Any) -> Any:
    return imports.client


@pytest.fixture
def members(superuser: psycopg.Connection, company_id: int) -> None:
    """Mara is a member, and two are called Tom Ode."""
    for user_id, name in ((7, "Mara Quist"), (8, "Tom Ode"), (9, "Tom Ode")):
        superuser.execute(
            "INSERT INTO user_refs (company_id, user_id, name, email) VALUES (%s, %s, %s, %s)",
            (company_id, user_id, name, f"u{user_id}@b.example"),
        )


def codes(imports: Any, done: Any, severity: str = "error") -> list[tuple[int, str]]:
    return [(error["line"], error["code"]) for error in imports.errors(done["id"], severity)]


@pytest.mark.usefixtures("members")
def test_an_export_of_another_system_comes_in_whole_and_tells_what_it_left_empty(imports: Any, client: Client) -> None:
    content = imports.table(
        (
            "Record ID",
            "First Name",
            "Last Name",
            "Email",
            "Contact owner",
            "Company Name",
            "Industry",
            "Lifecycle Stage",
        ),
        ("881", "Noor", "Haddad", "noor@x.example ; n@y.example", "mara quist", "Cedar", "AEROSPACE", "customer"),
        ("882", "", "", "just@mail.example", "Tom Ode", "", "technology", "evangelist"),
        ("883", "", "", "", "", "Name of a firm", "", "who knows"),
    )
    done = imports.run(content)
    assert (done["profile"], done["on_unknown"], done["state"]) == ("hubspot", "empty", "completed")
    assert (done["created_rows"], done["failed_rows"]) == (3, 0)
    assert sorted(codes(imports, done, "warning")) == [
        (2, "left_empty"),
        (2, "left_over"),
        (3, "left_empty"),
        (4, "left_empty"),
    ]
    rows = {row["customer_code"]: row for row in client.get("/v1/customers").json["data"]}
    noor, just, firm = (rows[code] for code in ("881", "882", "883"))
    assert (noor["name"], noor["email"], noor["assigned_to"], noor["industry"]) == (
        "Noor Haddad",
        "noor@x.example",
        7,
        None,
    )
    assert (just["name"], just["assigned_to"], just["industry"]) == ("just@mail.example", None, "Technology")
    assert (firm["name"], firm["status"]) == ("Name of a firm", "active")


@pytest.mark.usefixtures("members")
def test_all_faults_of_a_row_are_told_in_one_go(imports: Any) -> None:
    rows = (("Name", "E-Mail", "Industry", "Owner", "Status"), ("", "broken", "Alchemy", "Nobody Here", "odd"))
    good = ("Ada", "ada@b.example", "Retail", "u7@b.example", "active")
    done = imports.run(imports.table(*rows, good))
    assert sorted(code for _, code in codes(imports, done)) == [
        "invalid_value",
        "invalid_value",
        "required",
        "unknown_industry",
        "unknown_user",
    ]


def test_words_are_translated_as_the_client_says_or_refused(imports: Any, client: Client) -> None:
    content = imports.table(("Name", "Status"), ("Ada", "Stamm"), ("Bea", "egal"), ("Cleo", "aktiv"), ("Dan", "x"))
    begun = imports.begin(content).json
    assert "status" not in begun["mapping"].values()
    change = {
        "mapping": {"Name": "name", "Status": "status"},
        "value_mapping": {"status": {"Stamm": "active", "egal": ""}},
        "on_unknown": "refuse",
    }
    assert client.patch(f"{PATH}/{begun['id']}", json=change, version=begun["version"]).status_code == 200
    imports.step(begun["id"], "validate")
    done = imports.step(begun["id"], "start")
    assert (done["created_rows"], codes(imports, done)) == (3, [(5, "invalid_value")])


VALIDATED = ("created_rows", "updated_rows", "unchanged_rows", "failed_rows")


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        ({}, [("K-7", "Ada", "Acme", ""), ("K-7", "Bea", "Acme", ""), ("", "Ada", "Acme", "")]),
        ({"mode": "upsert", "match_by": "email"}, [("", "Ada", "", "a@b.example"), ("", "Ada", "", "A@b.example")]),
        (
            {"mode": "upsert", "match_by": "email"},
            [("", "Ada", "", "a@b.example"), ("", "Adah", "", "a@b.example"), ("", "Adah", "", "a@b.example")],
        ),
        (
            {"mode": "upsert", "match_by": "customer_code"},
            [
                ("K-7", "Ada", "Acme", ""),
                ("K-8", "Ada", "Acme", ""),
                ("K-7", "Bea", "Acme", ""),
            ],
        ),
        (
            {"mode": "upsert", "match_by": "customer_code"},
            [("K-OLD", "New", "", ""), ("K-OLD", "New", "", ""), ("K-OLD", "Newer", "", "")],
        ),
    ],
    ids=["code and name", "the same address", "changed by rows below", "names among rows", "who is there already"],
)
@pytest.mark.parametrize("chunk", [1000, 1], ids=["in one chunk", "each in its own"])
def test_validation_counts_what_the_run_does(
    imports: Any,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    *,
    options: Any,
    rows: list[tuple[str, ...]],
    chunk: int,
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", chunk)
    assert client.post("/v1/customers", json={"name": "Old", "customer_code": "K-OLD"}).status_code == 201
    content = imports.table(("Code", "Name", "Company", "E-Mail"), *rows)
    begun = imports.begin(content, **options).json
    validated = imports.step(begun["id"], "validate")
    done = imports.step(begun["id"], "start")
    assert [validated[name] for name in VALIDATED] == [done[name] for name in VALIDATED]
    assert done["created_rows"] + done["updated_rows"] + done["unchanged_rows"] + done["failed_rows"] == len(rows)


@pytest.mark.parametrize("rule", ["warn", "block", "allow"])
def test_rows_that_are_probably_there_are_counted_and_named_or_refused(
    imports: Any, client: Client, superuser: psycopg.Connection, company_id: int, rule: str
) -> None:
    superuser.execute(
        "INSERT INTO company_refs (company_id, version, settings) VALUES (%s, 1, jsonb_build_object('duplicates', %s::text))",
        (company_id, rule),
    )
    known = client.post("/v1/customers", json={"name": "Elm Street Bakery", "email": "elm@b.example"}).json["id"]
    rows = (("Elm", "ELM@b.example"), ("Ash", "ash@b.example"), ("Ashe", "Ash@b.example"))
    begun = imports.begin(imports.table(("Name", "E-Mail"), *rows)).json
    validated = imports.step(begun["id"], "validate")
    told = imports.errors(begun["id"], "error" if rule == "block" else "warning")
    done = imports.step(begun["id"], "start")
    assert [validated[name] for name in VALIDATED] == [done[name] for name in VALIDATED]
    if rule == "allow":
        assert (validated["duplicate_rows"], told) == (0, [])
        return
    assert [(error["line"], error["code"]) for error in told] == [(2, "possible_duplicate"), (4, "possible_duplicate")]
    assert f"customer {known}" in told[0]["message"]
    assert "line 3" in told[1]["message"]
    assert done["duplicate_rows"] == (2 if rule == "warn" else 0)
    assert done["created_rows"] == (3 if rule == "warn" else 1)


def test_our_own_export_comes_back_into_another_company(imports: Any, imports_of: Any, client_of: Any) -> None:
    client = client_of(imports.company_id, scope="customers:read customers:write customers:export")
    values = {"name": "Ada", "phone": "+49 (0)30 123-456", "tags": ["a", "b"], "credit_limit": "12.50", "notes": "-x"}
    assert client.post("/v1/customers", json=values).status_code == 201
    content = client.get("/v1/customers/export.csv").data
    elsewhere = imports_of(imports.company_id + 1_000_000_000)
    done = elsewhere.run(content)
    assert (done["profile"], done["created_rows"], done["failed_rows"]) == ("own", 1, 0)
    copy = elsewhere.client.get("/v1/customers").json["data"][0]
    assert {name: copy[name] for name in values} == values
    # As a German Excel saves it: semicolons, its own dates and decimal commas.
    header, row = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    values_of = dict(zip(header, row, strict=True)) | {"created_at": "28.11.2025 10:15", "credit_limit": "12,50"}
    saved = imports.table(tuple(header), tuple(values_of.values()), delimiter=";").decode().encode("cp1252")
    again = imports.run(saved, mode="upsert", match_by="id")
    assert (again["unchanged_rows"], again["failed_rows"]) == (1, 0)


@pytest.mark.parametrize("options", [{}, {"mode": "upsert", "match_by": "customer_code"}])
def test_who_is_called_by_a_companys_name_is_one(imports: Any, client: Client, options: Any) -> None:
    header = ("Account Name", "Account ID", "Account Owner", "Website")
    done = imports.run(imports.table(header, ("Käserei Würth AG", "A-1", "", "")), **options)
    assert done["created_rows"] == 1, imports.errors(done["id"])
    header = ("Name", "Company", "Code", "E-Mail")
    rows = (("", "Lund AB", "A-2", ""), ("Eva", "Alm AG", "A-3", ""), ("", "", "A-4", "tom@x.example"))
    done = imports.run(imports.table(header, *rows), **options)
    assert done["created_rows"] == 3, imports.errors(done["id"])
    found = sorted(client.get("/v1/customers").json["data"], key=lambda row: str(row["customer_code"]))
    assert [(row["name"], row["customer_type"]) for row in found] == [
        ("Käserei Würth AG", "business"),
        ("Lund AB", "business"),
        ("Eva", "individual"),
        ("tom@x.example", "individual"),
    ]
    # So its form of company is none of its name.
    alike = client.post("/v1/customers/duplicates/check", json={"name": "Käserei Wuerth"}).json["candidates"]
    assert [candidate["customer"]["name"] for candidate in alike] == ["Käserei Würth AG"]


def test_a_number_that_a_file_brings_is_from_where_the_customer_is(imports: Any, client: Client) -> None:
    client.post("/v1/customers", json={"name": "Eva", "customer_code": "A-1", "country": "Austria"})
    client.post("/v1/customers", json={"name": "Tom", "customer_code": "A-2", "phone": "01 58858 0"})
    rows = (("A-1", "01 58858 0", ""), ("A-2", "", "Österreich"))
    done = imports.run(imports.table(("Code", "Phone", "Country"), *rows), mode="update", match_by="customer_code")
    assert done["updated_rows"] == 2, imports.errors(done["id"])
    found = client.get("/v1/customers").json["data"]
    assert {row["phone_e164"] for row in found} == {"+431588580"}
