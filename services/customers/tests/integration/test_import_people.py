"""Companies and people in one file: each company is one customer, and who works there its contacts."""

from typing import Any

import pytest

from imports.engine import lifecycle

BOTH = "customer_and_contact"
HEADER = ("First name", "Last name", "E-Mail", "Phone", "Job title", "Company", "Website", "City", "Notes")
UPSERT = {"mode": "upsert", "match_by": "email"}
ROWS = [
    ("Änne", "Wörrlein", "a@ahorn.example", "0911 4711010", "Einkauf", "Blechwerk Ahorn GmbH", "", "Nürnberg", "one"),
    ("Ben", "Ode", "b@ahorn.example", "", "", "Blechwerk Ahorn", "ahorn.example", "", "two"),
    ("Cora", "Lund", "", "+46 70 0000033", "CEO", "Lund AB", "", "Malmö", ""),
    ("Dana", "Fox", "dana@x.example", "0171 4711012", "", "", "", "Bonn", "alone"),
    ("", "", "", "0911 555010", "", "Taxi Zentrale", "", "", ""),
    ("", "", "info@lund.example", "", "", "LUND AB", "", "", ""),
]
COUNTS = ("created_rows", "updated_rows", "unchanged_rows", "failed_rows")


@pytest.fixture(autouse=True, params=[1, 1000], ids=["a row to a chunk", "one chunk"])
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(lifecycle, "CHUNK", request.param)
    return request.param


def run(imports: Any, *rows: tuple[str, ...], header: tuple[str, ...] = HEADER, **options: Any) -> Any:
    """Import rows; validation has counted what the run has done, and has named the same faults."""
    begun = imports.begin(imports.table(header, *rows), record_type=BOTH, **options).json
    validated = imports.step(begun["id"], "validate")
    told = imports.errors(begun["id"])
    done = imports.step(begun["id"], "start")
    assert [validated[name] for name in COUNTS] == [done[name] for name in COUNTS], imports.errors(begun["id"])
    assert [(error["line"], error["code"]) for error in told] == [
        (error["line"], error["code"]) for error in imports.errors(begun["id"])
    ]
    assert sum(done[name] for name in COUNTS) == len(rows)
    return done


def customers_of(imports: Any) -> dict[str, Any]:
    return {row["name"]: row for row in imports.client.get("/v1/customers?limit=100").json["data"]}


def people_of(imports: Any) -> dict[str, list[str]]:
    names = {row["id"]: name for name, row in customers_of(imports).items()}
    found: dict[str, list[str]] = {}
    for row in imports.client.get("/v1/contacts?limit=100").json["data"]:
        found.setdefault(names[row["customer_id"]], []).append(row["first_name"])
    return {name: sorted(people) for name, people in found.items()}


def test_each_company_is_one_customer_with_those_who_work_there(imports: Any) -> None:
    done = run(imports, *ROWS)
    assert (done["state"], done["created_rows"]) == ("completed", 6)
    customers = customers_of(imports)
    assert set(customers) == {"Blechwerk Ahorn GmbH", "Lund AB", "Dana Fox", "Taxi Zentrale"}
    assert people_of(imports) == {"Blechwerk Ahorn GmbH": ["Ben", "Änne"], "Lund AB": ["Cora", "info@lund.example"]}
    ahorn, dana, taxi = (customers[name] for name in ("Blechwerk Ahorn GmbH", "Dana Fox", "Taxi Zentrale"))
    assert (ahorn["customer_type"], ahorn["city"], ahorn["email"], ahorn["phone"]) == (
        "business",
        "Nürnberg",
        None,
        None,
    )
    assert (dana["customer_type"], dana["email"], dana["city"], dana["notes"]) == (
        "individual",
        "dana@x.example",
        "Bonn",
        "alone",
    )
    assert taxi["phone"] == "0911 555010"
    [cora] = imports.client.get(f"/v1/customers/{customers['Lund AB']['id']}/contacts?q=cora").json["data"] or [None]
    assert (cora["last_name"], cora["phone"], cora["job_title"]) == ("Lund", "+46 70 0000033", "CEO")


def test_what_the_rows_seem_to_be_is_told_and_refuses_nothing(imports: Any) -> None:
    content = imports.table(
        ("Firma", "Vorname", "Nachname", "E-Mail"), ("Ahorn GmbH", "Eva", "Alm", "eva@ahorn.example"), delimiter=";"
    )
    new = imports.client.post("/v1/customers/imports", json={"filename": "people.csv"}).json
    assert (new["record_type"], new["proposed_record_type"]) == ("customer", None)
    for given, created in (("contact", 0), ("customer", 1)):
        done = imports.run(content, record_type=given)
        assert (done["record_type"], done["proposed_record_type"], done["created_rows"]) == (given, BOTH, created)
    # A first reading that sees one column says something else.
    begun = imports.begin(content, delimiter="|").json
    assert begun["proposed_record_type"] == "customer"
    path = f"/v1/customers/imports/{begun['id']}"
    read = imports.client.patch(path, json={"delimiter": ";"}, version=begun["version"]).json
    assert (read["record_type"], read["proposed_record_type"]) == ("customer", BOTH)
    taken = imports.client.patch(path, json={"record_type": BOTH}, version=read["version"]).json
    assert (taken["record_type"], taken["proposed_record_type"]) == (BOTH, BOTH)
    assert taken["mapping"]["Vorname"] == "first_name"
    [listed] = [one for one in imports.client.get("/v1/customers/imports").json["data"] if one["id"] == begun["id"]]
    assert listed["proposed_record_type"] == BOTH


def test_who_has_several_companies_comes_to_the_first_of_them(imports: Any) -> None:
    header = ("Record ID", "First Name", "Contact owner", "Email", "Associated Company", "Associated Company IDs")
    rows = [
        ("1", "Camille", "", "camille@lac.example", "Fromagerie du Lac;Prairie Tools, Inc.", "9001;9002"),
        ("2", "John", "", "john@prairie.example", "Prairie Tools, Inc.;Fromagerie du Lac", "9002;9001"),
    ]
    done = run(imports, *rows, header=header)
    assert (done["profile"], done["failed_rows"]) == ("hubspot", 0)
    found = customers_of(imports)
    assert {name: row["customer_code"] for name, row in found.items()} == {
        "Fromagerie du Lac": "9001",
        "Prairie Tools, Inc.": "9002",
    }
    assert people_of(imports) == {"Fromagerie du Lac": ["Camille"], "Prairie Tools, Inc.": ["John"]}


def test_who_is_there_twice_at_one_company_is_found_by_an_address_alone(imports: Any) -> None:
    header = ("First name", "Last name", "E-Mail", "Job title", "Company")
    rows = [
        ("Anna", "Berg", "anna@x.example", "", "Ahorn"),
        ("Anna", "Berg", "berg@x.example", "", "Ahorn"),
        ("Anna", "Berg", "", "CEO", "Ahorn"),
        ("Anna", "Berg", "berg@x.example", "Buyer", "Ahorn"),
    ]
    done = run(imports, *rows, header=header, **UPSERT)
    assert [done[name] for name in COUNTS] == [2, 1, 0, 1]
    assert [(error["line"], error["code"]) for error in imports.errors(done["id"])] == [(4, "ambiguous_match")]


def test_a_revert_takes_back_both_sides(imports: Any) -> None:
    done = run(imports, *ROWS)
    back = imports.step(done["id"], "revert")
    assert (back["state"], back["reverted_rows"], back["kept_rows"]) == ("reverted", 6, 0)
    assert (customers_of(imports), people_of(imports)) == ({}, {})


def test_the_same_file_again_doubles_nobody(imports: Any) -> None:
    run(imports, *ROWS, **UPSERT)
    before = customers_of(imports), people_of(imports)
    done = run(imports, *ROWS, **UPSERT)
    assert (done["created_rows"], done["unchanged_rows"], done["failed_rows"]) == (0, 6, 0)
    assert (customers_of(imports), people_of(imports)) == before


def test_a_company_that_is_there_gets_people_and_stays_as_it_is(imports: Any) -> None:
    known = imports.client.post(
        "/v1/customers", json={"name": "Lund Foods", "city": "Lund", "customer_type": "business"}
    ).json
    other = imports.client.post("/v1/customers", json={"name": "Elsewhere Ltd"}).json
    path = f"/v1/customers/{other['id']}/contacts"
    stays = imports.client.post(path, json={"first_name": "Eva", "email": "eva@x.example"}).json
    rows = [
        ("Cora", "Lund", "", "", "", "LUND Foods AB", "", "Malmö", "met at the fair"),
        # Who is there by the address stays where she is, and her row makes no company.
        ("Eva", "Alm", "eva@x.example", "", "", "Brand New Inc", "", "", ""),
    ]
    done = run(imports, *rows, **UPSERT)
    assert (done["created_rows"], done["updated_rows"]) == (1, 1)
    assert people_of(imports) == {"Lund Foods": ["Cora"], "Elsewhere Ltd": ["Eva"]}
    assert imports.client.get(f"/v1/customers/{known['id']}").json == known
    [told] = imports.errors(done["id"], "warning")
    assert (told["line"], told["code"], told["column_name"]) == (2, "left_over", "Notes")
    back = imports.step(done["id"], "revert")
    assert (back["reverted_rows"], back["kept_rows"]) == (2, 0)
    assert people_of(imports) == {"Elsewhere Ltd": ["Eva"]}
    assert imports.client.get(f"/v1/contacts/{stays['id']}").json["last_name"] is None


CODED = ("Customer number", "Company", "Website", "First name", "E-Mail")


def test_codes_and_pages_make_companies_of_one_name_several(imports: Any) -> None:
    rows = [
        ("K-1", "Acme", "", "Ada", "a@x.example"),
        ("K-2", "ACME Ltd", "", "Bea", "b@x.example"),
        ("K-1", "Acme", "", "Cleo", "c@x.example"),
        # Another system's code says nothing against the name.
        ("900117", "Zeta", "zeta.example", "Ida", "i@x.example"),
        ("", "Zeta", "zeta.example", "Dan", "d@x.example"),
        ("", "Zeta GmbH", "https://www.zeta.example/de", "Eve", "e@x.example"),
        ("", "Zeta", "zeta.example.org", "Fay", "f@x.example"),
        # Which of the two nobody can say; the domain of the address can.
        ("", "Zeta", "", "Gus", "g@x.example"),
        ("", "Zeta", "", "Hal", "h@zeta.example.org"),
    ]
    done = run(imports, *rows, header=CODED)
    assert (done["created_rows"], done["failed_rows"]) == (8, 1)
    [error] = imports.errors(done["id"])
    assert (error["line"], error["code"], error["column_name"]) == (9, "ambiguous_customer", "Company")
    found = imports.client.get("/v1/customers?limit=100").json["data"]
    names = {row["id"]: row["customer_code"] if row["website"] is None else row["website"] for row in found}
    people: dict[str, list[str]] = {}
    for row in imports.client.get("/v1/contacts?limit=100").json["data"]:
        people.setdefault(names[row["customer_id"]], []).append(row["first_name"])
    assert {name: sorted(those) for name, those in people.items()} == {
        "K-1": ["Ada", "Cleo"],
        "K-2": ["Bea"],
        "zeta.example": ["Dan", "Eve", "Ida"],
        "zeta.example.org": ["Fay", "Hal"],
    }


def test_what_is_wrong_with_either_side_is_told_in_words_of_the_file(imports: Any) -> None:
    gone = imports.client.post("/v1/customers", json={"name": "Gone", "customer_code": "K-9"}).json
    imports.client.delete(f"/v1/customers/{gone['id']}", version=gone["version"])
    header = (*CODED, "Branche", "Status")
    rows = [
        ("K-1", "Acme", "", "Ada", "nonsense", "Retail", "active"),
        ("K-1", "Acme", "", "Bea", "b@x.example", "Alchemy", "active"),
        ("K-9", "Gone", "", "Cleo", "c@x.example", "", ""),
        ("", "", "", "", "", "Retail", ""),
        ("K-1", "Acme", "", "Dan", "d@x.example", "retail", "kunde"),
    ]
    done = run(imports, *rows, header=header, on_unknown="refuse")
    assert (done["created_rows"], done["failed_rows"]) == (1, 4)
    errors = [(error["line"], error["column_name"], error["code"]) for error in imports.errors(done["id"])]
    assert sorted(errors, key=lambda error: error[0]) == [
        (2, "E-Mail", "invalid_value"),
        (3, "Branche", "unknown_industry"),
        (4, "Customer number", "customer_archived"),
        (5, None, "required"),
    ]
    [acme] = customers_of(imports).values()
    assert (acme["customer_code"], acme["industry"], acme["status"]) == ("K-1", "Retail", "active")
    assert people_of(imports) == {"Acme": ["Dan"]}


def test_a_revert_leaves_a_company_to_those_whom_others_have_added(imports: Any) -> None:
    done = run(imports, *ROWS[:3])
    lund = customers_of(imports)["Lund AB"]
    assert imports.client.post(f"/v1/customers/{lund['id']}/contacts", json={"first_name": "Pat"}).status_code == 201
    back = imports.step(done["id"], "revert")
    assert (back["state"], back["reverted_rows"], back["kept_rows"]) == ("reverted", 2, 1)
    assert people_of(imports) == {"Lund AB": ["Pat"]}
    assert set(customers_of(imports)) == {"Lund AB"}


def test_rows_of_a_company_in_many_chunks_make_one_customer(imports: Any, chunk: int) -> None:
    rows = [
        (f"N{number}", "", f"n{number}@x.example", "", "", f"Firm {number % 7}", "", "", "")
        for number in range(20 * min(chunk, 4))
    ]
    run(imports, *rows)
    people = people_of(imports)
    assert set(people) == {f"Firm {number}" for number in range(7)}
    assert sum(map(len, people.values())) == len(rows)


def test_all_or_nothing_leaves_neither_company_nor_person(imports: Any) -> None:
    begun = imports.begin(imports.table(HEADER, *ROWS), record_type=BOTH, all_or_nothing=True).json
    assert imports.step(begun["id"], "validate")["failed_rows"] == 0
    # Whoever has the company's code by now is in the way of nobody: the codes are the service's own.
    done = imports.step(begun["id"], "start")
    assert (done["state"], done["created_rows"]) == ("completed", 6)
    bad = imports.begin(
        imports.table(HEADER, ROWS[0], ("A", "", "nonsense", "", "", "X", "", "", "")),
        record_type=BOTH,
        all_or_nothing=True,
    ).json
    imports.step(bad["id"], "validate")
    assert imports.client.post(f"/v1/customers/imports/{bad['id']}/start").json["code"] == "rows_with_faults"


def test_what_the_rows_are_can_be_said_once_the_columns_are_seen(imports: Any) -> None:
    begun = imports.begin(imports.table(HEADER, *ROWS)).json
    path = f"/v1/customers/imports/{begun['id']}"
    assert begun["mapping"]["First name"] == "name"
    refused = imports.client.patch(path, json={"record_type": "invoice"}, version=begun["version"])
    assert refused.status_code == 422
    changed = imports.client.patch(path, json={"record_type": BOTH}, version=begun["version"])
    assert (changed.status_code, changed.json["record_type"]) == (200, BOTH)
    assert {name: changed.json["mapping"][name] for name in HEADER} == {
        "First name": "first_name",
        "Last name": "last_name",
        "E-Mail": "email",
        "Phone": "phone",
        "Job title": "job_title",
        "Company": "company_name",
        "Website": "website",
        "City": "city",
        "Notes": "notes",
    }
    imports.step(begun["id"], "validate")
    assert imports.step(begun["id"], "start")["created_rows"] == 6
    assert len(customers_of(imports)) == 4


@pytest.mark.parametrize("options", [{}, UPSERT], ids=["create", "upsert"])
def test_who_has_a_family_s_name_alone_is_a_person(imports: Any, options: Any) -> None:
    rows = [("", "Oduya", "", "", "", "Acme", "", "", ""), ("", "Berg", "b@x.example", "", "", "Acme", "", "", "")]
    assert run(imports, *rows, **options)["created_rows"] == 2
    assert people_of(imports) == {"Acme": ["Berg", "Oduya"]}
    again = run(imports, *rows, **UPSERT)
    assert (again["created_rows"], again["failed_rows"]) == (0, 0)
    assert people_of(imports) == {"Acme": ["Berg", "Oduya"]}


def test_an_address_that_stands_twice_makes_one_person_and_no_second_company(imports: Any) -> None:
    rows = [
        ("Ada", "", "a@x.example", "", "", "First Ltd", "", "", ""),
        ("Ada", "Berg", "A@x.example", "", "", "Second Ltd", "", "", ""),
    ]
    done = run(imports, *rows, **UPSERT)
    assert (done["created_rows"], done["updated_rows"]) == (1, 1)
    assert people_of(imports) == {"First Ltd": ["Ada"]}
    assert set(customers_of(imports)) == {"First Ltd"}


def test_a_code_of_ours_finds_no_company_in_somebody_s_file(imports: Any) -> None:
    ours = imports.client.post("/v1/customers", json={"name": "Ours"}).json
    rows = [(ours["customer_code"], "Theirs", "", "Ada", ""), (ours["customer_code"], "", "", "Bea", "b@x.example")]
    done = run(imports, *rows, header=CODED)
    assert done["created_rows"] == 2
    assert people_of(imports) == {"Theirs": ["Ada"]}
    assert {error["code"] for error in imports.errors(done["id"], "warning")} == {"code_left_aside"}


def test_what_is_said_of_a_company_that_is_there_and_is_not_so_there_is_told(imports: Any) -> None:
    header = (*HEADER, "Labels")
    first = ("Änne", "Wörrlein", "a@ahorn.example", "", "", "Ahorn", "https://ahorn.example/de", "Bonn", "one", "VIP")
    run(imports, first, header=header)
    imports.client.post("/v1/customers", json={"name": "Birke", "tags": ["VIP"], "notes": "one"})
    done = run(
        imports,
        ("Ben", "Ode", "b@ahorn.example", "", "", "AHORN", "www.ahorn.example", "Köln", "one", "vip"),
        ("Cem", "Ay", "c@ahorn.example", "", "", "Birke", "birke.example", "Köln", "two", "vip;Bau"),
        # Who is there by the address stays where they are.
        ("Änne", "Wörrlein", "A@ahorn.example", "", "", "Linde", "", "Rom", "three", "Holz"),
        header=header,
        **UPSERT,
    )
    told = imports.errors(done["id"], "warning")
    assert {(fault["line"], fault["column_name"], fault["value"]) for fault in told} == {
        (3, "City", "Köln"),
        (3, "Website", "birke.example"),
        (3, "Notes", "two"),
        (3, "Labels", "Bau"),
        (4, "Notes", "three"),
        (4, "Labels", "Holz"),
    }
    assert customers_of(imports).keys() == {"Ahorn", "Birke"}


def test_the_second_number_of_a_cell_that_a_contact_has_no_place_for_is_told_with_its_column(imports: Any) -> None:
    row = ("Änne", "Wörrlein", "a@ahorn.example", "0911 471101 ::: 0171 471102", "", "Ahorn", "", "", "")
    done = run(imports, row)
    [told] = imports.errors(done["id"], "warning")
    assert (told["column_name"], told["value"]) == ("Phone", "0171 471102")
