"""Imports as a client sees them: the file in parts, what its columns mean, validation, the run, errors, and the way back."""

import csv
import io
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client

PATH = "/v1/customers/imports"
SCOPE = "customers:read customers:write customers:import"
CONTENT = "application/octet-stream"


@pytest.fixture
def client(imports: Any) -> Any:
    return imports.client


SIMPLE = b"Name,E-Mail,Phone\r\nAda,ada@b.example,+49 30 123456\r\nBea,bea@b.example,\r\n"


def test_a_file_becomes_customers_with_their_events(
    imports: Any, client: Client, superuser: psycopg.Connection, company_id: int
) -> None:
    done = imports.run(SIMPLE)
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed", 2, 0)
    ada = client.get("/v1/customers?name=Ada").json["data"][0]
    assert (ada["email"], ada["phone_e164"], ada["customer_code"], ada["status"]) == (
        "ada@b.example",
        "+4930123456",
        "C-000001",
        "active",
    )
    events = superuser.execute(
        "SELECT type, convert_from(body, 'UTF8')::json ->> 'operation' FROM outbox WHERE company_id = %s"
        " AND aggregate_type = 'customers' ORDER BY id",
        (company_id,),
    ).fetchall()
    assert events == [("crm.customer.created.v1", f"customer_imports/{done['id']}")] * 2
    states = superuser.execute(
        "SELECT type, aggregate_version FROM outbox WHERE company_id = %s AND aggregate_type = 'customer_imports' ORDER BY id",
        (company_id,),
    ).fetchall()
    assert [version for _, version in states] == [1, 2, 3, 4, 5, 6]
    assert states[-1][0] == "crm.customer_import.completed.v1"


def test_the_file_is_understood_before_it_is_run(imports: Any, client: Client) -> None:
    content = "Firma;Vorname;Nachname;E-Mail-Adresse;PLZ\nMüller GmbH;Änne;Groß;ae@m.example;50667\n".encode("cp1252")
    begun = imports.begin(content * 1, parts=3).json
    assert (begun["state"], begun["encoding"], begun["delimiter"]) == ("uploaded", "windows-1252", ";")
    assert begun["mapping"] == {
        "Firma": "company_name",
        "Vorname": "name",
        "Nachname": "name",
        "E-Mail-Adresse": "email",
        "PLZ": "zip_code",
    }
    assert begun["columns"][1] == {
        "name": "Vorname",
        "samples": ["Änne"],
        "proposed_field": "name",
        "confidence": 0.95,
    }
    validated = imports.step(begun["id"], "validate")
    assert (validated["state"], validated["total_rows"], validated["created_rows"]) == ("awaiting_confirmation", 1, 1)
    assert imports.names() == []
    imports.step(begun["id"], "start")
    assert imports.names() == ["Änne Groß"]


def test_each_fault_says_where_it_is_and_what_is_wrong(imports: Any, client: Client) -> None:
    content = imports.table(
        ("Name", "E-Mail", "Status", "Credit limit", "Owner"),
        ("Ada", "ada@b.example", "ACTIVE", "1'000.50", ""),
        ("Bea\nBrown", "no address", "unheard of", "", ""),
        ("", "", "active", "", ""),
        ("Dan", "", "", "12,5,3", "nobody@b.example"),
        ("Eve", "", "", "", "", "one more"),
    )
    done = imports.run(content)
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed_with_errors", 1, 4)
    errors = [
        (error["line"], error["column_name"], error["code"], error["value"]) for error in imports.errors(done["id"])
    ]
    assert errors == [
        (3, "E-Mail", "invalid_value", "no address"),
        (3, "Status", "invalid_value", "unheard of"),
        (5, "Name", "required", None),
        (6, "Credit limit", "invalid_value", "12,5,3"),
        (7, None, "too_many_cells", "one more"),
    ]
    mended = client.get(f"{PATH}/{done['id']}/errors.csv").get_data(as_text=True)
    rows = list(csv.reader(io.StringIO(mended.removeprefix("\ufeff"), newline="")))
    assert rows[0] == ["Name", "E-Mail", "Status", "Credit limit", "Owner", "import_error"]
    assert [row[0] for row in rows[1:]] == ["Bea\nBrown", "", "Dan", "Eve"]
    assert rows[1][5].startswith("line 3: E-Mail: ")


def test_no_cell_of_an_error_file_is_a_formula_nor_is_a_column_s_name(imports: Any, client: Client) -> None:
    formula = '=HYPERLINK("http://evil.example")'
    done = imports.run(imports.table(("Name", "E-Mail", formula), ("Ada", "nonsense", formula)))
    header, row = csv.reader(io.StringIO(client.get(f"{PATH}/{done['id']}/errors.csv").text))
    assert (header[2], row[2]) == (f"'{formula}", f"'{formula}")


def test_a_tag_that_is_too_long_refuses_its_row_and_not_the_file(imports: Any, client: Client) -> None:
    done = imports.run(imports.table(("Name", "Tags"), ("Ada", "a;" + "b" * 51), ("Bea", "c")))
    assert (done["state"], done["created_rows"], done["failed_rows"]) == ("completed_with_errors", 1, 1)
    assert [(error["line"], error["column_name"]) for error in imports.errors(done["id"])] == [(2, "Tags")]


def test_a_column_whose_name_is_a_formula_is_none_in_the_error_file_and_the_same_when_that_is_sent_again(
    imports: Any, client: Client
) -> None:
    done = imports.run(imports.table(("Name", "=1+1", "E-Mail"), ("Ada", "x", "nonsense")))
    errors = client.get(f"{PATH}/{done['id']}/errors.csv").data
    assert errors.decode().splitlines()[0] == "\ufeffName,'=1+1,E-Mail,import_error"
    again = imports.run(errors.replace(b"nonsense", b"ada@b.example", 1))
    assert [column["name"] for column in again["columns"]] == ["Name", "=1+1", "E-Mail", "import_error"]


def test_a_mended_error_file_can_be_sent_again(imports: Any, client: Client) -> None:
    done = imports.run(imports.table(("Name", "E-Mail"), ("Ada", "nonsense")))
    errors = client.get(f"{PATH}/{done['id']}/errors.csv").data
    again = imports.run(errors.replace(b"nonsense", b"ada@b.example", 1))
    assert (again["state"], again["mapping"]) == ("completed", {"Name": "name", "E-Mail": "email"})
    assert imports.names() == ["Ada"]


def test_known_customers_are_updated_and_others_created(imports: Any, client: Client) -> None:
    imports.run(SIMPLE)
    content = imports.table(
        ("E-Mail", "Name", "City"),
        ("ADA@b.example", "Ada", "Bonn"),
        ("bea@b.example", "Bea", ""),
        ("cleo@b.example", "Cleo", "Rome"),
    )
    done = imports.run(content, mode="upsert", match_by="email")
    assert (done["updated_rows"], done["unchanged_rows"], done["created_rows"]) == (1, 1, 1)
    ada = client.get("/v1/customers?name=Ada").json["data"][0]
    assert (ada["city"], ada["email"], ada["version"], ada["phone"]) == ("Bonn", "ADA@b.example", 2, "+49 30 123456")


@pytest.mark.parametrize(
    ("options", "row", "code"),
    [
        ("update email", ("x@b.example", "X", ""), "customer_not_found"),
        ("update email", ("two@b.example", "X", ""), "ambiguous_match"),
        ("update customer_code", ("", "X", "K-ARCHIVED"), "customer_archived"),
        ("update email", ("one@b.example", "X", "K-9"), "code_fixed"),
        ("upsert customer_code", ("", "X", "C-999999"), "customer_not_found"),
        ("create", ("", "X", "K-1"), "customer_code_taken"),
    ],
)
def test_a_row_that_meets_the_wrong_customer_is_refused(
    imports: Any, client: Client, options: str, row: tuple[str, ...], code: str
) -> None:
    for values in (
        {"name": "One", "email": "one@b.example", "customer_code": "K-1"},
        {"name": "Two", "email": "two@b.example"},
        {"name": "Three", "email": "two@b.example"},
    ):
        assert client.post("/v1/customers", json=values).status_code == 201
    archived = client.post("/v1/customers", json={"name": "Old", "customer_code": "K-ARCHIVED"}).json
    assert client.delete(f"/v1/customers/{archived['id']}", version=1).status_code == 204
    mode, _, match_by = options.partition(" ")
    done = imports.run(imports.table(("E-Mail", "Name", "Code"), row), mode=mode, match_by=match_by or None)
    assert [error["code"] for error in imports.errors(done["id"])] == [code]


def test_rows_take_effect_one_after_the_other(imports: Any, client: Client) -> None:
    content = imports.table(
        ("E-Mail", "Name", "Company", "City"),
        ("a@b.example", "Ada", "Acme", "Bonn"),
        ("a@b.example", "Ada", "Acme", "Rome"),
        ("c@b.example", "Ada", "Acme", "Oslo"),
    )
    done = imports.run(content, mode="upsert", match_by="email")
    assert (done["created_rows"], done["updated_rows"], done["failed_rows"]) == (1, 1, 1)
    assert client.get("/v1/customers").json["data"][0]["city"] == "Rome"
    assert [(error["line"], error["code"]) for error in imports.errors(done["id"])] == [(4, "customer_exists")]


def test_where_duplicates_are_blocked_a_likely_one_is_refused(
    imports: Any, client: Client, superuser: psycopg.Connection, company_id: int
) -> None:
    superuser.execute(
        'INSERT INTO company_refs (company_id, version, settings) VALUES (%s, 1, \'{"duplicates": "block"}\')',
        (company_id,),
    )
    done = imports.run(imports.table(("Name", "E-Mail"), ("Ada", "a@b.example"), ("Adah", "A@b.example"), ("Bea", "")))
    assert imports.names() == ["Ada", "Bea"]
    assert [(error["line"], error["code"]) for error in imports.errors(done["id"])] == [(3, "possible_duplicate")]


def test_all_or_nothing_imports_all(imports: Any, client: Client) -> None:
    rows = [("Name",), *((f"N{number:04}",) for number in range(1200))]
    done = imports.run(imports.table(*rows), all_or_nothing=True)
    assert (done["state"], done["processed_rows"], done["created_rows"]) == ("completed", 1200, 1200)
    codes = [row["customer_code"] for row in client.get("/v1/customers?limit=3&sort=name").json["data"]]
    assert codes == ["C-000001", "C-000002", "C-000003"]


def test_all_or_nothing_imports_nothing_where_one_row_is_refused(imports: Any, client: Client) -> None:
    begun = imports.begin(imports.table(("Name", "Code"), ("Ada", "K-0"), ("Bea", "K-1")), all_or_nothing=True).json
    imports.step(begun["id"], "validate")
    assert client.post("/v1/customers", json={"name": "Quicker", "customer_code": "K-1"}).status_code == 201
    done = imports.step(begun["id"], "start")
    assert (done["state"], done["error_code"], done["created_rows"]) == ("failed", "rows_refused", 0)
    assert imports.names() == ["Quicker"]
    assert [(error["line"], error["code"]) for error in imports.errors(begun["id"])] == [(3, "customer_code_taken")]


def test_what_was_taken_back_is_not_counted(imports: Any, client: Client) -> None:
    rows = [*((f"N{number:04}", f"K-{number}") for number in range(600)), ("Last", "K-LAST")]
    begun = imports.begin(imports.table(("Name", "Code"), *rows), all_or_nothing=True).json
    imports.step(begun["id"], "validate")
    assert client.post("/v1/customers", json={"name": "Quicker", "customer_code": "K-LAST"}).status_code == 201
    done = imports.step(begun["id"], "start")
    assert (done["error_code"], done["created_rows"], done["processed_rows"]) == ("rows_refused", 0, 0)
    assert imports.names() == ["Quicker"]


@pytest.mark.parametrize(("reached", "counted"), [(0, 0), (1, 1)])
def test_a_cancelled_all_or_nothing_counts_what_was_committed(
    imports: Any, client: Client, superuser: psycopg.Connection, reached: int, counted: int
) -> None:
    begun = imports.begin(imports.table(("Name",), ("Ada",)), all_or_nothing=True).json
    imports.step(begun["id"], "validate")
    assert client.post(f"{PATH}/{begun['id']}/start").status_code == 202
    # As the worker shows it while its transaction is open, or leaves it behind that.
    superuser.execute(
        "UPDATE customer_imports SET created_rows = 1, processed_rows = 1, next_chunk = %s WHERE id = %s",
        (reached, begun["id"]),
    )
    cancelled = client.post(f"{PATH}/{begun['id']}/cancel").json
    assert (cancelled["state"], cancelled["created_rows"]) == ("cancelled", counted)


def test_what_was_only_validated_counts_nothing_once_it_is_cancelled(imports: Any, client: Client) -> None:
    assert imports.run(imports.table(("Name",), ("Ada",)))["created_rows"] == 1
    begun = imports.begin(imports.table(("Name", "E-Mail"), ("Ada", ""), ("Bea", "nonsense"))).json
    validated = imports.step(begun["id"], "validate")
    assert [validated[f"{what}_rows"] for what in ("processed", "created", "failed", "duplicate")] == [2, 1, 1, 1]
    cancelled = client.post(f"{PATH}/{begun['id']}/cancel").json
    counts = [value for name, value in cancelled.items() if name.endswith("_rows") and name != "total_rows"]
    assert (cancelled["state"], set(counts)) == ("cancelled", {0})


def test_all_or_nothing_does_not_begin_with_faults(imports: Any, client: Client) -> None:
    begun = imports.begin(imports.table(("Name", "E-Mail"), ("Ada", "nonsense")), all_or_nothing=True).json
    imports.step(begun["id"], "validate")
    refused = client.post(f"{PATH}/{begun['id']}/start")
    assert (refused.status_code, refused.json["code"]) == (409, "rows_with_faults")


def test_a_revert_undoes_what_nobody_has_touched_since(imports: Any, client: Client) -> None:
    kept = client.post("/v1/customers", json={"name": "Known", "email": "k@b.example", "city": "Bonn"}).json
    content = imports.table(
        ("E-Mail", "Name", "City", "Zip"),
        ("k@b.example", "Known", "Rome", "111"),
        ("n@b.example", "New", "", ""),
        ("t@b.example", "Touched", "", ""),
        ("p@b.example", "Peopled", "", ""),
    )
    done = imports.run(content, mode="upsert", match_by="email")
    known = {row["name"]: row for row in client.get("/v1/customers").json["data"]}
    client.patch(f"/v1/customers/{known['Touched']['id']}", json={"notes": "called"}, version=1)
    client.post(f"/v1/customers/{known['Peopled']['id']}/contacts", json={"first_name": "Pat"})
    client.patch(f"/v1/customers/{kept['id']}", json={"zip_code": "222"}, version=2)
    undone = imports.step(done["id"], "revert")
    assert (undone["state"], undone["reverted_rows"], undone["kept_rows"]) == ("reverted", 2, 2)
    assert imports.names() == ["Known", "Peopled", "Touched"]
    now = client.get(f"/v1/customers/{kept['id']}").json
    assert (now["city"], now["zip_code"], now["version"]) == ("Bonn", "222", 4)
    assert client.post(f"{PATH}/{done['id']}/revert").json["code"] == "import_state"


def test_what_was_exported_can_be_imported_again(imports: Any, client_of: Any, company_id: int) -> None:
    both = client_of(company_id, f"{SCOPE} customers:export")
    both.post(
        "/v1/customers", json={"name": "=SUM(A1)", "email": "s@b.example", "tags": ["a", "b"], "phone": "+49 30 1"}
    )
    exported = both.get("/v1/customers/export.csv").data
    done = imports.run(exported, mode="upsert", match_by="id")
    assert (done["unchanged_rows"], done["failed_rows"]) == (1, 0), imports.errors(done["id"])


def test_when_a_customer_was_created_can_be_said(imports: Any, client: Client) -> None:
    done = imports.run(imports.table(("Name", "Created at"), ("Ada", "2024-02-29"), ("Bea", "2999-01-01")))
    assert client.get("/v1/customers").json["data"][0]["created_at"] == "2024-02-29T00:00:00+00:00"
    assert [error["line"] for error in imports.errors(done["id"])] == [3]


def test_missing_parts_are_asked_for(imports: Any, client: Client) -> None:
    begun = client.post(PATH, json={"filename": "x.csv"}).json
    client.request("PUT", f"{PATH}/{begun['id']}/parts/2", data=b"x", content_type=CONTENT)
    refused = client.post(f"{PATH}/{begun['id']}/uploaded", json={"parts": 2})
    assert (refused.status_code, refused.json["code"]) == (409, "parts_missing")


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        ({"mapping": {"Nowhere": "name"}}, "unknown_column"),
        ({"mapping": {"Name": "city", "E-Mail": "city"}}, "field_twice"),
        ({"mapping": {"Phone": "phone"}}, "field_missing"),
        ({"value_mapping": {"status": {"neu": "brand new"}}}, "invalid_value"),
        ({"mode": "update"}, "required"),
    ],
)
def test_a_mapping_that_cannot_work_is_refused(imports: Any, client: Client, patch: Any, code: str) -> None:
    begun = imports.begin(SIMPLE).json
    refused = client.patch(f"{PATH}/{begun['id']}", json=patch, version=2)
    assert (refused.status_code, refused.json["errors"][0]["code"]) == (422, code)


def test_only_so_many_are_under_way_and_a_cancelled_one_makes_room(imports: Any, client: Client) -> None:
    ids = [client.post(PATH, json={"filename": "x.csv"}).json["id"] for _ in range(5)]
    assert client.post(PATH, json={"filename": "x.csv"}).json["code"] == "too_many_imports"
    assert client.post(f"{PATH}/{ids[0]}/cancel").json["state"] == "cancelled"
    assert client.post(PATH, json={"filename": "x.csv"}).status_code == 201


def test_another_tenant_finds_no_import(imports: Any, client_of: Any, company_id: int) -> None:
    begun = imports.begin(SIMPLE).json
    stranger = client_of(company_id + 10**12, SCOPE)
    for method, path in (
        ("GET", ""),
        ("GET", "/errors"),
        ("GET", "/errors.csv"),
        ("POST", "/validate"),
        ("POST", "/start"),
        ("POST", "/cancel"),
        ("POST", "/revert"),
    ):
        assert stranger.request(method, f"{PATH}/{begun['id']}{path}").status_code == 404
    put = stranger.request("PUT", f"{PATH}/{begun['id']}/parts/1", data=b"x", content_type=CONTENT)
    assert put.status_code == 404


def test_an_import_of_somebody_who_was_deactivated_stops(
    imports: Any, superuser: psycopg.Connection, company_id: int, client: Client
) -> None:
    begun = imports.begin(SIMPLE).json
    imports.step(begun["id"], "validate")
    superuser.execute("UPDATE user_refs SET is_active = false WHERE company_id = %s", (company_id,))
    done = imports.step(begun["id"], "start")
    assert (done["state"], done["error_code"]) == ("failed", "user_inactive")
    assert imports.names() == []


def test_today_is_not_refused_as_a_creation_date(imports: Any) -> None:
    done = imports.run(imports.table(("Name", "Created at"), ("Ada", datetime.now(UTC).isoformat())))
    assert done["created_rows"] == 1


def test_a_revert_leaves_whose_name_somebody_else_has_by_now_and_sets_the_others_back(
    imports: Any, client: Client
) -> None:
    for code in ("K-1", "K-2", "K-3"):
        client.post("/v1/customers", json={"name": f"Old {code}", "company_name": "Acme", "customer_code": code})
    rows = [("K-1", "New 1"), ("K-2", "New 2"), ("K-3", "New 3")]
    done = imports.run(imports.table(("Code", "Name"), *rows), mode="update", match_by="customer_code")
    assert done["updated_rows"] == 3
    client.post("/v1/customers", json={"name": "Old K-2", "company_name": "Acme", "customer_code": "K-4"})
    undone = imports.step(done["id"], "revert")
    assert (undone["state"], undone["reverted_rows"], undone["kept_rows"]) == ("reverted", 2, 1)
    assert sorted(imports.names()) == ["New 2", "Old K-1", "Old K-2", "Old K-3"]
