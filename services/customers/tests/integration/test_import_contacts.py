"""Imports of contacts: people from files, each at the customer that the row names, and back again."""

from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from customers.commands import contacts as commands
from imports.engine import lifecycle

HEADER = ("First Name", "Last Name", "Email", "Phone", "Job Title", "Company")
HUBSPOT = (
    "Record ID",
    "First Name",
    "Last Name",
    "Email",
    "Contact owner",
    "Associated Company",
    "Associated Company IDs",
)


def contacts_of(imports: Any) -> list[dict[str, Any]]:
    found = imports.client.get("/v1/contacts?limit=100").json["data"]
    return sorted(found, key=lambda contact: str(contact["email"]))


def run(imports: Any, *rows: tuple[str, ...], **options: Any) -> Any:
    """Import contacts; validation has counted what the run has done."""
    begun = imports.begin(imports.table(*rows), record_type="contact", **options).json
    validated = imports.step(begun["id"], "validate")
    done = imports.step(begun["id"], "start")
    for name in ("created_rows", "updated_rows", "unchanged_rows", "failed_rows"):
        assert validated[name] == done[name], name
    return done


def test_people_come_to_the_customers_that_their_rows_name(imports: Any, create: Callable[..., Any]) -> None:
    firm = create(imports.client, name="Blechwerk Ahorn GmbH", customer_type="business", country="Germany")
    coded = create(imports.client, customer_code="9001")
    paged = create(imports.client, website="https://www.lac.example.fr/de")
    header = (*HEADER, "Customer number", "Website")
    rows = [
        ("Änne", "Wörrlein", "a@x.example", "0911 4711010", "Einkauf", "Blechwerk Ahorn", "", ""),
        ("Ben", "Code", "b@x.example", "", "", "Whatever", "9001", ""),
        ("Cora", "Page", "c@x.example", "", "", "", "", "lac.example.fr"),
        ("Dan", "Mail", "d@lac.example.fr", "", "", "", "", ""),
        ("Eve", "Nowhere", "e@x.example", "", "", "Nobody Inc", "", ""),
        ("Fay", "Unsaid", "f@gmail.com", "", "", "", "", ""),
    ]
    done = run(imports, header, *rows)
    assert (done["record_type"], done["created_rows"], done["failed_rows"]) == ("contact", 4, 2)
    first, *others = contacts_of(imports)
    assert (first["customer_id"], first["first_name"], first["job_title"]) == (firm["id"], "Änne", "Einkauf")
    assert (first["phone_e164"], first["is_primary"]) == ("+499114711010", False)
    assert [contact["customer_id"] for contact in others] == [coded["id"], paged["id"], paged["id"]]
    errors = [(error["line"], error["code"], error["column_name"]) for error in imports.errors(done["id"])]
    assert errors == [(6, "customer_not_found", "Company"), (7, "required", "Company")]


def test_a_hubspot_export_of_contacts_goes_to_the_companies_imported_before(imports: Any) -> None:
    companies = ("Record ID", "Company name", "Company owner", "Lifecycle Stage")
    imports.run(
        imports.table(companies, ("9001", "Fromagerie du Lac", "", "customer"), ("9002", "Prairie", "", "lead"))
    )
    rows = [
        ("1", "Camille", "Renard", "camille@x.example", "", "Fromagerie du Lac", "9001"),
        ("2", "John", "Smithers", "john@x.example", "", "Another Name", "9002"),
    ]
    done = run(imports, HUBSPOT, *rows)
    assert (done["profile"], done["created_rows"], done["failed_rows"]) == ("hubspot", 2, 0)
    known = {row["customer_code"]: row["id"] for row in imports.client.get("/v1/customers").json["data"]}
    assert [contact["customer_id"] for contact in contacts_of(imports)] == [known["9001"], known["9002"]]


@pytest.mark.parametrize(
    ("cells", "code", "told"),
    [
        (("Prairie;Fromagerie du Lac", "9002;9001"), "9002", {"Associated Company", "Associated Company IDs"}),
        (("Nobody ; Prairie", "9002; 9001"), "9002", {"Associated Company", "Associated Company IDs"}),
        (("Prairie;Fromagerie du Lac", ""), "9002", {"Associated Company"}),
        (("", "9001;9002;9003"), "9001", {"Associated Company IDs"}),
        (("Prairie;", "9002;"), "9002", set()),
    ],
)
def test_of_several_companies_in_a_cell_the_first_counts_and_the_others_are_told(
    imports: Any, create: Callable[..., Any], cells: tuple[str, str], code: str, told: set[str]
) -> None:
    made = {
        number: create(imports.client, name=name, customer_code=number, customer_type="business")["id"]
        for number, name in (("9001", "Fromagerie du Lac"), ("9002", "Prairie"))
    }
    row = ("1", "Camille", "Renard", "camille@x.example", "", *cells)
    done = run(imports, HUBSPOT, row)
    assert (done["created_rows"], done["failed_rows"]) == (1, 0), imports.errors(done["id"])
    assert [contact["customer_id"] for contact in contacts_of(imports)] == [made[code]]
    warnings = imports.errors(done["id"], "warning")
    assert {warning["column_name"] for warning in warnings if warning["code"] == "left_over"} == told


def test_a_semicolon_is_part_of_a_name_where_no_system_makes_lists_of_it(
    imports: Any, create: Callable[..., Any]
) -> None:
    customer = create(imports.client, name="Funk; Söhne")
    run(imports, ("Name", "E-Mail", "Company"), ("Ada", "a@x.example", "Funk; Söhne"))
    assert [contact["customer_id"] for contact in contacts_of(imports)] == [customer["id"]]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Lovelace", ("Ada", "Lovelace")),
        ("Lovelace, Ada", ("Ada", "Lovelace")),
        ("Ludwig van Beethoven", ("Ludwig", "van Beethoven")),
        ("María José de la Cruz", ("María José", "de la Cruz")),
        ("桜木花道", ("桜木花道", None)),
        ("", ("a@x.example", None)),
    ],
)
def test_a_whole_name_is_taken_apart(
    imports: Any, create: Callable[..., Any], name: str, parts: tuple[str, str | None]
) -> None:
    customer = create(imports.client)
    run(imports, ("Name", "E-Mail", "Company"), (name, "a@x.example", customer["name"]))
    [contact] = contacts_of(imports)
    assert (contact["first_name"], contact["last_name"]) == parts


def test_of_customers_of_one_name_the_one_whose_page_it_is_and_else_none(
    imports: Any, create: Callable[..., Any]
) -> None:
    create(imports.client, name="Acme", company_name="North")
    south = create(imports.client, name="Acme", company_name="South", website="south.example")
    done = run(imports, HEADER, ("A", "", "a@south.example", "", "", "ACME"), ("B", "", "b@x.example", "", "", "Acme"))
    assert [contact["customer_id"] for contact in contacts_of(imports)] == [south["id"]]
    assert [error["code"] for error in imports.errors(done["id"])] == ["ambiguous_customer"]


def test_a_merged_customer_leads_to_the_survivor_and_an_archived_one_takes_nobody(
    imports: Any, create: Callable[..., Any], merge: Callable[..., Any]
) -> None:
    source, target = create(imports.client, customer_code="OLD"), create(imports.client)
    gone = create(imports.client, customer_code="GONE")
    assert merge(imports.client, target, source).status_code == 200
    archived = imports.client.delete(f"/v1/customers/{gone['id']}", version=gone["version"])
    assert archived.status_code in (200, 204), archived.text
    rows = [("A", "a@x.example", "OLD"), ("B", "b@x.example", "GONE")]
    done = run(imports, ("First name", "E-Mail", "Customer code"), *rows)
    assert [contact["customer_id"] for contact in contacts_of(imports)] == [target["id"]]
    assert [error["code"] for error in imports.errors(done["id"])] == ["customer_archived"]


def test_an_upsert_by_address_changes_who_is_there_and_stays_at_the_customer(
    imports: Any, create: Callable[..., Any]
) -> None:
    customer, other = create(imports.client, country="France"), create(imports.client)
    path = f"/v1/customers/{customer['id']}/contacts"
    known = imports.client.post(path, json={"first_name": "Ada", "email": "a@x.example"}).json
    rows = [
        ("Ada", "L", "A@X.example", "01 42 68 53 00", "CTO", other["name"]),
        ("Bea", "", "b@x.example", "", "", customer["name"]),
        ("Bea", "M", "b@x.example", "", "", "Nobody Inc"),
    ]
    done = run(imports, HEADER, *rows, mode="upsert", match_by="email")
    assert (done["created_rows"], done["updated_rows"], done["failed_rows"]) == (1, 2, 0)
    ada, bea = contacts_of(imports)
    assert (ada["id"], ada["customer_id"], ada["job_title"]) == (known["id"], customer["id"], "CTO")
    assert ada["phone_e164"] == "+33142685300"
    assert (bea["last_name"], bea["customer_id"]) == ("M", customer["id"])
    undone = imports.step(done["id"], "revert")
    assert (undone["state"], undone["reverted_rows"], undone["kept_rows"]) == ("reverted", 3, 0)
    [ada] = [contact for contact in contacts_of(imports) if contact["id"] == known["id"]]
    assert (ada["last_name"], ada["job_title"], ada["phone_e164"]) == (None, None, None)


@pytest.mark.parametrize("chunk", [3, 1000])
def test_a_customer_has_no_more_contacts_than_it_may(
    imports: Any, create: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", chunk)
    monkeypatch.setattr("customers.commands.import_contacts.MOST_OF_A_CUSTOMER", 4)
    assert commands.MOST_OF_A_CUSTOMER == 200
    customer = create(imports.client)
    imports.client.post(f"/v1/customers/{customer['id']}/contacts", json={"first_name": "First"})
    rows = [(f"N{number}", "", f"n{number}@x.example", "", "", customer["name"]) for number in range(7)]
    done = run(imports, HEADER, *rows)
    assert (done["created_rows"], done["failed_rows"]) == (3, 4)
    assert {error["code"] for error in imports.errors(done["id"])} == {"too_many_contacts"}


def test_what_was_imported_is_told_and_gone_again_after_a_revert(
    imports: Any, create: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    customer = create(imports.client)
    done = run(imports, HEADER, *((f"N{n}", "", f"n{n}@x.example", "", "", customer["name"]) for n in range(5)))
    told = superuser.execute(
        "SELECT type, count(*) FROM outbox WHERE company_id = %s AND aggregate_type = 'contacts' GROUP BY type",
        (imports.company_id,),
    ).fetchall()
    assert told == [("crm.contact.created.v1", 5)]
    undone = imports.step(done["id"], "revert")
    assert (undone["reverted_rows"], contacts_of(imports)) == (5, [])


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"record_type": "contact", "mode": "upsert", "match_by": "customer_code"}, "invalid_value"),
        ({"record_type": "contact", "mode": "update"}, "required"),
        ({"record_type": "invoice"}, "invalid_value"),
    ],
)
def test_what_makes_no_sense_for_contacts_is_refused(imports: Any, options: Mapping[str, Any], code: str) -> None:
    refused = imports.client.post("/v1/customers/imports", json={"filename": "a.csv", **options})
    assert refused.status_code in (400, 422), refused.text
    if options["record_type"] == "contact":
        assert refused.json["errors"][0]["code"] == code


def test_a_column_goes_into_no_field_that_a_contact_has_not(imports: Any) -> None:
    begun = imports.begin(imports.table(("First name", "Company"), ("A", "B")), record_type="contact").json
    path = f"/v1/customers/imports/{begun['id']}"
    refused = imports.client.patch(path, json={"mapping": {"First name": "credit_limit"}}, version=begun["version"])
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, "unknown_field")


def test_who_sees_only_their_own_customers_adds_people_to_no_others(
    client_as: Callable[[int, str], Client], create: Callable[..., Any], imports: Any
) -> None:
    seller = client_as(7, "customers:read:own customers:write:own customers:import")
    theirs, mine = create(client_as(8, "customers:read customers:write")), create(seller)
    imports.client = seller
    done = run(imports, HEADER, ("A", "", "", "", "", theirs["name"]), ("B", "", "", "", "", mine["name"]))
    assert (done["created_rows"], done["failed_rows"]) == (1, 1)
    assert [contact["customer_id"] for contact in contacts_of(imports)] == [mine["id"]]


def test_a_customer_that_goes_between_validation_and_run_takes_nobody(
    imports: Any, create: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    stays, goes = create(imports.client), create(imports.client)
    rows = [(name, "", "", "", "", customer["name"]) for name, customer in (("A", stays), ("B", goes))]
    begun = imports.begin(imports.table(HEADER, *rows), record_type="contact").json
    assert imports.step(begun["id"], "validate")["failed_rows"] == 0
    imports.client.delete(f"/v1/customers/{goes['id']}", version=goes["version"])
    done = imports.step(begun["id"], "start")
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed_with_errors", 1, 1)
    assert [error["code"] for error in imports.errors(done["id"])] == ["customer_not_found"]
    [(told,)] = superuser.execute(
        "SELECT count(*) FROM outbox WHERE company_id = %s AND aggregate_type = 'contacts'", (imports.company_id,)
    ).fetchall()
    assert told == 1
    assert [contact["customer_id"] for contact in contacts_of(imports)] == [stays["id"]]


def test_chunks_that_run_at_once_add_to_the_same_customers_without_waiting_in_a_circle(
    imports: Any, create: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "CHUNK", 10)
    customers = [create(imports.client) for _ in range(4)]
    rows = [
        (f"N{number}", "", f"n{number}@x.example", "", "", customers[(number * 3 + number // 10) % 4]["name"])
        for number in range(80)
    ]
    done = run(imports, HEADER, *rows)
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed", 80, 0)
    assert {contact["customer_id"] for contact in contacts_of(imports)} == {customer["id"] for customer in customers}
