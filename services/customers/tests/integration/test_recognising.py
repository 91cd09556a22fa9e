"""Who is taken for whom: names, numbers and domains as people write them."""

import pytest


def customer(client, **values):
    answer = client.post("/v1/customers", json={"name": "Somebody"} | values)
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


def candidates(client, **values):
    answer = client.post("/v1/customers/duplicates/check", json={"name": "Nobody at all"} | values)
    assert answer.status_code == 200, answer.json
    return {
        one["customer"]["id"]: (one["score"], [reason["key"] for reason in one["reasons"]])
        for one in answer.json["candidates"]
    }


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("Böhm & Söhne OHG", "Boehm und Soehne"),
        ("Boehm und Soehne", "Böhm & Söhne OHG"),
        ("Bohm", "Böhm"),
        ("Zdzisław Wróbel", "ZDZISLAW WROBEL"),
        ("Þóra Ægisdóttir", "Thora Aegisdottir"),
        ("IĞDIR GIDA", "I\u011fd\u0131r G\u0131da"),
        ("佐藤 健", "佐藤健"),
    ],
)
def test_another_spelling_of_a_name_is_found(client, kept, asked):
    known = customer(client, name=kept)
    assert candidates(client, name=asked) == {known: (60, ["name_norm"])}


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        ("मोहन", "मोहना"),
        ("はり", "ばり"),
        ("Ana Sá", "Ana"),
        ("F# Kurs", "F Kurs"),
        ("Joe Poe", "Jo Poe"),
        ("Андрей", "Андреи"),
    ],
)
def test_another_name_is_not_found(client, kept, asked):
    customer(client, name=kept)
    assert candidates(client, name=asked) == {}


@pytest.mark.parametrize(
    ("kept", "asked", "found"),
    [
        ("+49 89 777000 ext. 5", "+49 89 777000 ext. 6", None),
        ("+49 89 777000 ext. 5", "+49 89 777000 x5", (80, ["phone_e164"])),
        ("+49 89 777000 ext. 5", "+49 89 777000", (60, ["phone_tail"])),
        ("+1 415 555 0142", "+44 415 555 0142", None),
        ("+1 415 555 0142", "(415) 555-0142", (60, ["phone_tail"])),
    ],
)
def test_numbers_are_the_same_as_far_as_they_are(client, kept, asked, found):
    known = customer(client, phone=kept)
    assert candidates(client, phone=asked) == ({known: found} if found else {})


def test_a_number_is_of_the_customers_own_country(client):
    known = customer(client, phone="0113 496 0180", country="Vereinigtes Königreich")
    record = client.get(f"/v1/customers/{known}")
    assert record.json["phone_e164"] == "+441134960180"
    patch = {"country": "Deutschland"}
    moved = client.patch(f"/v1/customers/{known}", json=patch, headers={"If-Match": record.headers["ETag"]})
    assert moved.json["phone_e164"] == "+491134960180"
    person = client.post(f"/v1/customers/{known}/contacts", json={"first_name": "Ida", "phone": "040 123456"})
    assert person.json["phone_e164"] == "+4940123456"


def test_pages_where_everybody_has_one_say_nothing(client):
    customer(client, website="https://www.instagram.com/one")
    assert candidates(client, website="https://instagram.com/other") == {}
    known = customer(client, name="Another", website="https://one.myshopify.com")
    assert candidates(client, website="one.myshopify.com/about") == {known: (50, ["domain_norm"])}


@pytest.mark.parametrize("kind", ["business", "individual"])
@pytest.mark.parametrize("name", ["Delta AG", "Škoda a.s.", "Lund Foods AB", "Kowalski i Synowie", "Łódź Bau S.L."])
def test_a_name_is_the_same_whichever_of_two_records_says_that_it_is_a_firm_s(client, name, kind):
    kept = customer(client, name=name, customer_type=kind)
    for other in ("business", "individual"):
        assert candidates(client, name=name, customer_type=other) == {kept: (60, ["name_norm"])}
    assert candidates(client, name=name) == {kept: (60, ["name_norm"])}


def test_a_person_is_not_called_as_another_because_a_firm_would_be(client):
    customer(client, name="Maria João", customer_type="individual")
    assert candidates(client, name="Maria João Sá", customer_type="individual") == {}
    assert candidates(client, name="Maria João Sá") == {}


def test_imported_companies_are_compared_as_firms(imports):
    table = imports.table(("Firma", "Ort"), ("Lund Foods AB", "Ulm"), ("Delta AG", "Bonn"))
    first = imports.run(table)
    assert (first["created_rows"], imports.errors(first["id"], "warning")) == (2, [])
    customer(imports.client, name="Vega Oy", customer_type="individual")
    again = imports.run(imports.table(("Firma",), ("Lund Foods",), ("Delta AG",), ("Vega Oy",), ("Vega",)))
    assert [error["line"] for error in imports.errors(again["id"], "warning")] == [2, 3, 4]
