"""`expand=`: who those are whom records name, for a page of them in one statement."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.db.session import Session
from chassis.db.statements import Prepared
from chassis.testing.fixtures import Client
from customers.schemas.customers import CustomerOut

SCOPE = "customers:read customers:write members:read"
ADA = {"id": 7, "name": "Ada Lovelace", "is_active": True}
BOB = {"id": 8, "name": "Bob Jones", "is_active": False}


@pytest.fixture
def client(client_as: Callable[..., Client], superuser: psycopg.Connection, company_id: int) -> Client:
    client = client_as(7, SCOPE)
    superuser.execute(
        "UPDATE user_refs SET name = CASE user_id WHEN 7 THEN 'Ada Lovelace' ELSE 'Bob Jones' END"
        " WHERE company_id = %s",
        (company_id,),
    )
    return client


@pytest.fixture
def gone(superuser: psycopg.Connection, company_id: int) -> Callable[[], object]:
    """Let the user 8 leave."""
    query = "UPDATE user_refs SET is_active = false WHERE company_id = %s AND user_id = 8"
    return lambda: superuser.execute(query, (company_id,))


def test_a_record_says_whom_it_names(client: Client, create: Callable[..., Any], gone: Callable[[], Any]) -> None:
    customer = create(client, assigned_to=8)
    gone()
    place = f"/v1/customers/{customer['id']}"
    answer = client.get(f"{place}?expand=assigned_to,created_by")
    assert answer.json == {**customer, "expanded": {"assigned_to": BOB, "created_by": ADA}}
    assert CustomerOut().validate(answer.json) == {}
    assert (answer.headers["ETag"], answer.headers["Cache-Control"]) == ('"1"', "no-store")
    assert client.get(place).json == customer


def test_an_answer_with_names_is_never_not_modified(client: Client, create: Callable[..., Any]) -> None:
    """The name may have changed where the record has not."""
    place = f"/v1/customers/{create(client)['id']}"
    seen = {"headers": {"If-None-Match": '"1"'}}
    assert client.get(place, **seen).status_code == 304
    assert client.get(f"{place}?expand=created_by", **seen).json["expanded"] == {"created_by": ADA}


def test_a_page_costs_one_statement_more_however_long_it_is(
    client: Client, create: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    create(client)
    for _ in range(4):
        create(client, assigned_to=8)
    sent: list[str] = []
    real = Session.fetch

    def fetch(session: Session, statement: Prepared, **parameters: Any) -> Any:
        sent.append(statement.sql)
        return real(session, statement, **parameters)

    monkeypatch.setattr(Session, "fetch", fetch)
    plain = client.get("/v1/customers?limit=3").json
    alone, sent[:] = len(sent), []
    answer = client.get("/v1/customers?limit=3&expand=assigned_to")
    assert len(sent) == alone + 1
    assert [record["expanded"]["assigned_to"]["name"] for record in answer.json["data"]] == ["Bob Jones"] * 3
    assert [{**record, "expanded": None} for record in plain["data"]] == [
        {**record, "expanded": None} for record in answer.json["data"]
    ]
    assert "expand=assigned_to" in answer.headers["Link"]
    following = client.get(f"/v1/customers?limit=3&expand=assigned_to&cursor={answer.json['page']['next_cursor']}")
    assert [record["expanded"]["assigned_to"] for record in following.json["data"]][-1] is None


def test_fields_that_are_asked_for_may_be_expanded(client: Client, create: Callable[..., Any]) -> None:
    customer = create(client, assigned_to=8)
    answer = client.get("/v1/customers?fields=id,assigned_to&expand=assigned_to")
    assert answer.json["data"][0]["id"] == customer["id"]
    assert answer.json["data"][0]["expanded"]["assigned_to"]["name"] == "Bob Jones"


@pytest.mark.parametrize(
    "query", ["expand=", "expand=name", "expand=assigned_to,name", "fields=id&expand=assigned_to", "expand=a&expand=b"]
)
def test_what_cannot_be_expanded_is_refused(client: Client, create: Callable[..., Any], query: str) -> None:
    customer = create(client)
    for path in ("/v1/customers", f"/v1/customers/{customer['id']}"):
        answer = client.get(f"{path}?{query}")
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
        assert answer.json["errors"][0]["pointer"] == "expand"


def test_an_export_has_ids_alone(client_of: Callable[..., Client], company_id: int) -> None:
    exporting = client_of(company_id, f"{SCOPE} customers:export")
    assert exporting.get("/v1/customers/export.csv?expand=assigned_to").json["code"] == "invalid_query"


def test_who_may_not_know_the_members_is_told_no_names(client_of: Callable[..., Client], company_id: int) -> None:
    stranger = client_of(company_id)
    answer = stranger.get("/v1/customers?expand=assigned_to")
    assert (answer.status_code, answer.json["code"]) == (403, "permission_missing")
    assert stranger.get("/v1/customers").status_code == 200
