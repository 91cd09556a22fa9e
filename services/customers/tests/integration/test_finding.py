"""Customers are found by the people there and by all that was merged into them; undoing a merge takes that back."""

import pytest


def create(client, **values):
    answer = client.post("/v1/customers", json=values)
    assert answer.status_code == 201, answer.json
    return answer.json


def found(client, path="/v1/customers", **query):
    answer = client.get(path, query_string=query)
    assert answer.status_code == 200, answer.json
    return [row["id"] for row in answer.json["data"]]


def merge(client, into, *others):
    version = client.get(f"/v1/customers/{into}").json["version"]
    sources = [{"id": other, "version": client.get(f"/v1/customers/{other}").json["version"]} for other in others]
    answer = client.post(f"/v1/customers/{into}/merge", json={"from": sources}, version=version)
    assert answer.status_code == 200, answer.json
    return answer.json


@pytest.fixture
def brewery(client):
    """A customer with two people, and one whose address resembles that of the first."""
    customer = create(client, name="Brauerei Nord")["id"]
    create(client, name="Ebro Trading", email="ebro@example.com")
    people = []
    for values in (
        {"first_name": "Ebru", "last_name": "Çelik", "email": "ebru@example.com", "phone": "+49 171 0000077"},
        {"first_name": "Jörg", "last_name": "Østergaard", "email": "j@nord.example", "job_title": "Head brewer"},
    ):
        answer = client.post(f"/v1/customers/{customer}/contacts", json=values)
        assert answer.status_code == 201, answer.json
        people.append(answer.json["id"])
    return customer, people


@pytest.mark.parametrize(
    ("words", "person"),
    [
        *(("Ebru", 0), ("ebru celik", 0), ("ÇELİK", 0), ("EBRU@example.com", 0), ("0171 0000077", 0)),
        *(("joerg", 1), ("Jorg", 1), ("oestergaard", 1), ("head brewer", 1), ("nord.example", 1)),
    ],
)
def test_the_person_at_a_customer_is_found_by_either_search(client, brewery, words, person):
    customer, people = brewery
    assert found(client, q=words) == [customer]
    assert found(client, "/v1/contacts", q=words) == [people[person]]


def test_an_archived_person_leads_nowhere(client, brewery):
    _, people = brewery
    assert client.delete(f"/v1/contacts/{people[0]}", version=1).status_code == 204
    assert found(client, "/v1/contacts", q="Çelik") == []
    assert found(client, q="Çelik") == []


def test_who_is_called_so_comes_before_where_somebody_is_called_so(client, brewery):
    customer, _ = brewery
    called = create(client, name="Ebru Kaya")["id"]
    assert found(client, q="ebru") == [called, customer]


def test_a_search_by_people_stays_in_the_company_and_with_one_s_own(client_of, company_id, brewery):
    for path in ("/v1/customers", "/v1/contacts"):
        assert found(client_of(company_id + 10**9), path, q="ebru") == []
        assert (
            found(client_of(company_id, "customers:read:own contacts:read", user_id=8), "/v1/customers", q="ebru") == []
        )


PETRA = {"name": "Petra Holm", "email": "petra@example.com", "phone": "+49 30 2000015", "notes": "likes tea"}
LUND = {
    "name": "Petra Holm-Lund",
    "email": "p.holm@example.org",
    "phone": "+49 171 2000025",
    "notes": "allergic to nuts",
}


def remembered(record):
    """All by which somebody may look for the customer that was merged."""
    searches = [{"q": words} for words in ("p.holm@example.org", "0171 2000025", "Holm-Lund", record["customer_code"])]
    return [*searches, {"customer_code": record["customer_code"]}]


def test_all_that_a_merged_customer_had_finds_the_survivor_until_that_is_undone(client):
    petra, lund = create(client, **PETRA)["id"], create(client, **LUND)
    merged = merge(client, petra, lund["id"])
    kept = client.get(f"/v1/customers/{petra}").json
    assert (kept["secondary_phone"], kept["notes"]) == (LUND["phone"], "likes tea\n\nallergic to nuts")
    for query in remembered(lund):
        assert found(client, **query) == [petra], query
    check = client.post("/v1/customers/duplicates/check", json={"name": "X", "email": "p.holm@example.org"})
    assert [one["customer"]["id"] for one in check.json["candidates"]] == [petra]
    undone = client.post(f"/v1/customers/merges/{merged['merge']['id']}/undo")
    assert undone.status_code == 200, undone.json
    for query in remembered(lund):
        assert found(client, **query) == [lund["id"]], query


def test_what_was_merged_twice_finds_who_is_there_today(client):
    petra, lund, last = create(client, **PETRA)["id"], create(client, **LUND), create(client, name="Holm AB")["id"]
    merge(client, petra, lund["id"])
    merge(client, last, petra)
    for query in remembered(lund):
        assert found(client, **query) == [last], query


def test_who_asks_for_archived_ones_by_code_gets_the_one_that_was_merged(client):
    petra, lund = create(client, **PETRA)["id"], create(client, **LUND)
    merge(client, petra, lund["id"])
    query = {"customer_code": lund["customer_code"], "archived_at[is_null]": "false"}
    assert found(client, **query) == [lund["id"]]


def test_who_may_not_have_a_code_is_told_how_to_find_the_archived_customer_that_has_it(client, imports):
    first = create(client, name="Alt", customer_code="KD-9")["id"]
    assert client.delete(f"/v1/customers/{first}", version=1).status_code == 204
    refused = client.post("/v1/customers", json={"name": "Neu", "customer_code": "KD-9"}).json
    assert refused["code"] == "customer_code_taken"
    assert "?archived_at[is_null]=false&customer_code=" in refused["detail"]
    assert found(client, customer_code="KD-9", **{"archived_at[is_null]": "false"}) == [first]
    done = imports.run(imports.table(("Code", "Name"), ("KD-9", "Neu")))
    assert "archived" in imports.errors(done["id"])[0]["message"]
    assert client.post(f"/v1/customers/{first}/restore").status_code == 200


def test_the_name_of_an_archived_customer_may_be_given_again_and_a_restore_then_says_who_has_it(client):
    values = {"name": "Lager", "company_name": "Spedition Rot"}
    first = create(client, **values)["id"]
    assert client.delete(f"/v1/customers/{first}", version=1).status_code == 204
    second = create(client, **values)["id"]
    assert client.post("/v1/customers", json=values).json["code"] == "customer_exists"
    refused = client.post(f"/v1/customers/{first}/restore")
    assert (refused.status_code, refused.json["code"]) == (409, "customer_exists")
    assert f"Customer {second} has this name" in refused.json["detail"]
    assert client.patch(f"/v1/customers/{second}", json={"name": "Lager 2"}, version=1).status_code == 200
    assert client.post(f"/v1/customers/{first}/restore").status_code == 200


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("花子", "山田", ["山田花子", "山田 花子", "花子", "山田"]),
        ("철수", "김", ["김철수", "김 철수"]),
        ("小明", "王", ["王小明"]),
        ("Éva", "Szabó", ["Szabó Éva", "szabo eva", "Éva Szabó"]),
        ("Hạnh", "Nguyễn Thị", ["Nguyễn Thị Hạnh", "nguyen thi hanh", "Hanh Nguyen"]),
    ],
)
def test_a_person_is_found_by_the_whole_name_in_either_order(client, create, first, last, words):
    customer = create(client)
    person = {"first_name": first, "last_name": last}
    contact = client.post(f"/v1/customers/{customer['id']}/contacts", json=person).json
    for text in words:
        found = client.get("/v1/contacts", query_string={"q": text}).json["data"]
        assert [one["id"] for one in found] == [contact["id"]], text
        found = client.get("/v1/customers", query_string={"q": text}).json["data"]
        assert [one["id"] for one in found] == [customer["id"]], text
