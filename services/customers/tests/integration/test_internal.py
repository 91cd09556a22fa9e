"""What other services are told of customers: the documents of their events, to nobody without the services' key."""

from dataclasses import replace
from typing import Any

import orjson
import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from chassis.web.application import ServiceApplication
from customers.app import SERVICE

KEY = "services-key-" + "k" * 32


@pytest.fixture(scope="module")
def services_app(application: ServiceApplication, database: Database) -> ServiceApplication:
    return ServiceApplication(SERVICE, replace(application.config["SETTINGS"], service_key=KEY), database)


@pytest.fixture
def ask(services_app: ServiceApplication, company_id: int) -> Any:
    """Ask as a service does; answers the document."""

    def question(of_company: int = company_id, **query: object) -> Any:
        answer = services_app.test_client().get(
            f"/internal/customers/{of_company}", query_string=query, headers={"Authorization": f"Bearer {KEY}"}
        )
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), answer.text
        return answer.json

    return question


@pytest.mark.parametrize("authorization", [None, "Bearer ", f"Bearer {KEY}x", f"Basic {KEY}", "Bearer None"])
def test_strangers_learn_nothing(services_app: ServiceApplication, client: Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = services_app.test_client().get("/internal/customers/1", headers=headers)
    assert (answer.status_code, answer.json["code"]) == (401, "invalid_service_key")
    assert client.get("/internal/customers/1").status_code == 401


def test_a_customer_is_shown_as_the_last_event_showed_it(
    ask: Any, client: Client, create: Any, superuser: psycopg.Connection, company_id: int
) -> None:
    customer = create(client, credit_limit="12.30", tags=["vip"])
    assert client.delete(f"/v1/customers/{customer['id']}", version=1).status_code == 204
    (body,) = superuser.execute(
        "SELECT body FROM outbox WHERE company_id = %s ORDER BY id DESC LIMIT 1", (company_id,)
    ).fetchone() or (b"",)
    event = orjson.loads(body)
    assert event["type"] == "crm.customer.archived.v1"
    assert ask(ids=customer["id"]) == {"data": [event["data"]["after"]], "next": None}


def test_likely_duplicates_are_shown_as_far_as_the_user_may_see_them(
    services_app: ServiceApplication, client: Client, create: Any, company_id: int
) -> None:
    twin = create(client, email="ada@example.com")

    def ask(of_company: int, **query: object) -> Any:
        path, headers = f"/internal/duplicates/{of_company}", {"Authorization": f"Bearer {KEY}"}
        return services_app.test_client().get(path, query_string=query, headers=headers)

    given = {"email": "ADA@example.com", "user_id": 7}
    checked = client.post("/v1/customers/duplicates/check", json={"email": "ada@example.com"}).json
    assert [one["customer"]["id"] for one in checked["candidates"]] == [twin["id"]]
    assert ask(company_id, **given).json == checked
    assert ask(company_id, **given, own_only="true").json == checked
    assert ask(company_id, **given | {"user_id": 8}, own_only="true").json == {"candidates": [], "hidden": 1}
    assert ask(company_id + 10**9, **given).json == {"candidates": [], "hidden": 0}
    assert ask(company_id, email="ada@example.com").status_code == 400
    assert services_app.test_client().get(f"/internal/duplicates/{company_id}?user_id=7").status_code == 401


def test_likely_duplicates_are_those_that_the_check_of_a_customer_finds(
    services_app: ServiceApplication, client: Client, create: Any, company_id: int
) -> None:
    """A name in two spellings, a firm with its form and without, and a number that is from the country beside it."""
    create(client, name="Müller GmbH", customer_type="business", phone="+49 30 1234567")
    for values in (
        {"name": "Mueller", "customer_type": "business", "phone": "030 1234567", "country": "Germany"},
        {"name": "Somebody", "phone": "030 1234567", "country": "Germany"},
    ):
        checked = client.post("/v1/customers/duplicates/check", json=values).json
        asked = services_app.test_client().get(
            f"/internal/duplicates/{company_id}",
            query_string=values | {"user_id": 7},
            headers={"Authorization": f"Bearer {KEY}"},
        )
        assert checked["candidates"]
        assert asked.json == checked


@pytest.fixture
def named(services_app: ServiceApplication, company_id: int) -> Any:
    """Ask whom rows of a file mean; answers the customer's id of each, or the field and the code that say why not."""

    def question(*rows: Any, of_company: int = company_id, **actor: Any) -> Any:
        answer = services_app.test_client().post(
            f"/internal/named-customers/{of_company}",
            json={"named": rows, "user_id": 7} | actor,
            headers={"Authorization": f"Bearer {KEY}"},
        )
        assert answer.status_code == 200, answer.text
        return [one["customer_id"] or (one["field"], one["code"]) for one in answer.json["found"]]

    return question


def test_customers_are_found_by_all_that_rows_say_of_them(named: Any, client: Client, create: Any) -> None:
    acme = create(
        client, name="Acme GmbH", customer_type="business", website="https://acme.example", customer_code="A1"
    )
    jo = create(client, name="Jo", email="jo@home.example")
    person = {"first_name": "Bea", "email": "bea@elsewhere.example"}
    assert client.post(f"/v1/customers/{acme['id']}/contacts", json=person).status_code == 201
    assert named(
        {"customer_id": acme["id"]},
        {"customer_code": "A1"},
        {"company_name": "ACME"},
        {"company_name": "Unknown AG", "website": "www.acme.example/de"},
        {"customer_email": "JO@home.example"},
        {"customer_email": "Bea@elsewhere.example"},
        {"customer_email": "new@acme.example"},
        {"company_name": "Unknown AG", "customer_email": "new@acme.example"},
        {"company_name": "Unknown AG", "customer_email": "jo@home.example"},
        {},
    ) == [
        *[acme["id"]] * 4,
        jo["id"],
        *[acme["id"]] * 2,
        ("company_name", "customer_not_found"),
        jo["id"],
        (None, "required"),
    ]


def test_a_name_of_several_customers_is_nobodys_unless_a_page_or_an_address_tells(
    named: Any, client: Client, create: Any
) -> None:
    one = create(client, name="Nord", company_name="Nord AG", website="nord.example")
    create(client, name="Nord", company_name="Nord Ltd", website="north.example")
    assert named(
        {"company_name": "Nord"},
        {"company_name": "Nord", "website": "nord.example"},
        {"company_name": "Nord", "customer_email": "x@nord.example"},
    ) == [("company_name", "ambiguous_customer"), one["id"], one["id"]]


def test_what_a_merged_customer_had_finds_who_it_was_merged_into(
    *, named: Any, client: Client, create: Any, merge: Any, company_id: int
) -> None:
    kept = create(client, name="Kept")
    gone = create(client, name="Gone", customer_code="G1", email="gone@home.example")
    assert merge(client, kept, gone).status_code == 200
    rows = ({"customer_code": "G1"}, {"company_name": "Gone"}, {"customer_email": "gone@home.example"})
    assert named(*rows) == [kept["id"]] * 3
    missing = [("customer_code", "customer_not_found")]
    assert named({"customer_code": "G1"}, of_company=company_id + 10**9) == missing
    assert named({"customer_code": "G1"}, own_only=True) == [kept["id"]]
    assert named({"customer_code": "G1"}, own_only=True, user_id=8) == missing
    shut = client.delete(f"/v1/customers/{kept['id']}", version=2)
    assert shut.status_code == 204, shut.json
    assert named({"customer_code": "G1"}) == [("customer_code", "customer_archived")]
