"""A search for an address finds whose it is, in whichever script its domain was written."""

import pytest


def search(client, words):
    answer = client.get("/v1/customers", query_string={"q": words})
    assert answer.status_code == 200, answer.json
    return [row["name"] for row in answer.json["data"]]


@pytest.mark.parametrize(
    "words",
    [
        "lac.example.fr",
        "www.lac.example.fr",
        "https://lac.example.fr",
        "HTTP://WWW.Lac.Example.FR/about?page=2#top",
        "lac.example.fr:8443/",
        " lac.example.fr. ",
    ],
)
def test_whose_web_address_it_is_is_found_alone(client, words):
    for values in (
        {"name": "Fromagerie", "website": "https://www.lac.example.fr/fromages"},
        {"name": "Noname", "email": "noname@example.fr"},
        {"name": "Elsewhere", "website": "lac.example.de"},
    ):
        assert client.post("/v1/customers", json=values).status_code == 201
    assert search(client, words) == ["Fromagerie"]


@pytest.mark.parametrize("words", ["lac", "example.fr", "ada@lac.example.fr", "see lac.example.fr", "3.5", "..", "a."])
def test_what_is_no_web_address_or_another_is_not_taken_for_it(client, words):
    given = {"name": "Fromagerie", "website": "https://www.lac.example.fr"}
    assert client.post("/v1/customers", json=given).status_code == 201
    assert search(client, words) == []


MUELLER, TESTER = ("müller.example", "xn--mller-kva.example"), ("тест.рф", "xn--e1aybc.xn--p1ai")
OTHERS = (
    {"name": "Müller GmbH"},
    {"name": "Mueller", "website": "mueller.example"},
    {"name": "Тест", "website": "t.рф"},
)


@pytest.mark.parametrize("stored", [*MUELLER, *TESTER])
def test_an_address_is_found_in_unicode_and_in_ascii_whichever_it_was_written_in(client, stored):
    [domains] = [domains for domains in (MUELLER, TESTER) if stored in domains]
    for values in (
        *OTHERS,
        {"name": "By its page", "website": f"https://www.{stored}/about"},
        {"name": "By its address", "email": f"Info@{stored}"},
    ):
        assert client.post("/v1/customers", json=values).status_code == 201
    for domain in (*domains, domains[0].upper()):
        for words in (domain, f"www.{domain}", f"https://{domain}", f"HTTP://{domain}:8443/über?uns#1"):
            assert "By its page" in search(client, words), words
            assert "Müller GmbH" not in search(client, words), words
            assert "Mueller" not in search(client, words), words
        assert search(client, f"info@{domain}") == ["By its address"]


def test_the_person_with_an_address_is_found_in_unicode_and_in_ascii(client):
    customer = client.post("/v1/customers", json={"name": "Brauerei"}).json["id"]
    for number, domain in enumerate(MUELLER):
        values = {"first_name": "Ada", "last_name": str(number), "email": f"ada{number}@{domain}"}
        assert client.post(f"/v1/customers/{customer}/contacts", json=values).status_code == 201
    for number in range(2):
        for domain in MUELLER:
            words = f"ada{number}@{domain}"
            assert search(client, words) == ["Brauerei"]
            found = client.get("/v1/contacts", query_string={"q": words}).json["data"]
            assert [row["last_name"] for row in found] == [str(number)], words
