"""Many companies: listed, switched between, and one of them the primary one."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from identity.schemas.auth import TokensOut
from identity.schemas.companies import WorkplacesOut


@pytest.fixture
def ben(register: Callable[..., Any]) -> Any:
    return register()


@pytest.fixture
def client(ann: Any, ben: Any, join: Any, client_of: Any) -> Any:
    """Ann, who works for Ben's company too."""
    join(ann.user_id, ben.company_id, "sales_rep")
    return client_of(ann)


def switch(client: Any, company_id: int) -> Any:
    return client.post("/v1/auth/switch-company", json={"company_id": company_id})


def test_ones_companies_are_listed_primary_first(client: Any, ann: Any, ben: Any) -> None:
    document = client.get("/v1/auth/companies").json
    assert WorkplacesOut().validate(document) == {}
    assert [(row["id"], row["role"], row["is_primary"]) for row in document["data"]] == [
        (ann.company_id, "admin", True),
        (ben.company_id, "sales_rep", False),
    ]


def test_switching_gives_tokens_of_a_new_session_there_and_leaves_the_old_one(
    *, client: Any, ann: Any, ben: Any, claims: Any, refresh: Any, published: Any
) -> None:
    answer = switch(client, ben.company_id)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert TokensOut().validate(answer.json) == {}
    here, there = claims(client.token), claims(answer.json["access_token"])
    assert (there["company_id"], there["role"], there["sub"]) == (ben.company_id, "sales_rep", here["sub"])
    assert there["sid"] != here["sid"]
    assert refresh(answer.json["refresh_token"]).status_code == 200
    assert refresh(ann.answer["refresh_token"]).status_code == 200
    event = published(ben.company_id)[-1]
    assert (event["type"], event["actor"]) == ("crm.user.signed_in.v1", str(ann.user_id))


def test_nobody_switches_to_where_they_do_not_work(client: Any, register: Any) -> None:
    for company_id in (register().company_id, 2**62):
        answer = switch(client, company_id)
        assert (answer.status_code, answer.json["code"]) == (404, "company_not_found")


@pytest.mark.parametrize(
    ("closed", "code"),
    [
        ("UPDATE companies SET status = 'suspended' WHERE id = %(company)s", "company_suspended"),
        ("UPDATE companies SET status = 'inactive' WHERE id = %(company)s", "company_inactive"),
        ("UPDATE user_companies SET status = 'suspended' WHERE company_id = %(company)s", "member_suspended"),
        ("UPDATE user_companies SET status = 'deactivated' WHERE company_id = %(company)s", "member_deactivated"),
    ],
)
def test_what_is_closed_stays_closed(
    client: Any, ben: Any, superuser: psycopg.Connection, closed: str, code: str
) -> None:
    superuser.execute(closed, {"company": ben.company_id})
    primary = client.post("/v1/auth/primary-company", json={"company_id": ben.company_id})
    for answer in (switch(client, ben.company_id), primary):
        assert (answer.status_code, answer.json["code"]) == (403, code)


def test_the_primary_company_is_where_signing_in_leads(
    *, client: Any, ann: Any, ben: Any, log_in: Any, claims: Any, published: Any
) -> None:
    answer = client.post("/v1/auth/primary-company", json={"company_id": ben.company_id})
    assert (answer.status_code, answer.data) == (204, b"")
    assert claims(log_in(ann.email).json["access_token"])["company_id"] == ben.company_id
    for company_id, is_primary in ((ann.company_id, False), (ben.company_id, True)):
        told = [event for event in published(company_id) if event["type"] == "crm.user_company.updated.v1"]
        assert [(event["data"]["changed"], event["data"]["after"]["is_primary"]) for event in told] == [
            (["is_primary"], is_primary)
        ]


def test_choosing_the_primary_company_again_changes_nothing(client: Any, ann: Any, published: Any) -> None:
    before = published(ann.company_id)
    assert client.post("/v1/auth/primary-company", json={"company_id": ann.company_id}).status_code == 204
    assert published(ann.company_id) == before


def test_a_foreign_company_becomes_nobodys_primary_one(client: Any, register: Any) -> None:
    answer = client.post("/v1/auth/primary-company", json={"company_id": register().company_id})
    assert (answer.status_code, answer.json["code"]) == (404, "company_not_found")


def test_of_many_choices_at_once_exactly_one_company_is_primary(
    *, client: Any, ann: Any, ben: Any, register: Any, join: Any, side_by_side: Any, superuser: psycopg.Connection
) -> None:
    carl = register()
    join(ann.user_id, carl.company_id)
    chosen = [ann.company_id, ben.company_id, carl.company_id] * 2
    answers = side_by_side(
        [
            lambda http, company_id=company_id: Client(http, client.token).post(
                "/v1/auth/primary-company", json={"company_id": company_id}
            )
            for company_id in chosen
        ]
    )
    assert {answer.status_code for answer in answers} == {204}
    rows = superuser.execute("SELECT is_primary FROM user_companies WHERE user_id = %s", (ann.user_id,)).fetchall()
    assert sorted(rows) == [(False,), (False,), (True,)]


def test_changing_the_profile_and_the_primary_company_at_once_does_both(
    client: Any, ann: Any, ben: Any, side_by_side: Any, superuser: psycopg.Connection
) -> None:
    """Both write the user and the memberships of all companies; they lock in one order."""
    answers = side_by_side(
        [
            lambda http: Client(http, client.token).post(
                "/v1/auth/primary-company", json={"company_id": ben.company_id}
            ),
            lambda http: Client(http, client.token).patch(f"/v1/users/{ann.user_id}", json={"phone": "1"}, version=1),
            lambda http: switch(Client(http, client.token), ben.company_id),
        ]
    )
    assert [answer.status_code for answer in answers] in ([204, 200, 200], [204, 412, 200])
    query = (
        "SELECT aggregate_version FROM outbox WHERE aggregate_type = 'user_companies' AND aggregate_id = %s ORDER BY id"
    )
    memberships = superuser.execute(
        "SELECT id, version FROM user_companies WHERE user_id = %s", (ann.user_id,)
    ).fetchall()
    for membership_id, version in memberships:
        told = [row[0] for row in superuser.execute(query, (membership_id,)).fetchall()]
        assert told == list(range(told[0], version + 1))


def test_an_answer_with_tokens_is_kept_under_no_idempotency_key(
    client: Any, ben: Any, superuser: psycopg.Connection
) -> None:
    key = {"Idempotency-Key": f"switch-{ben.company_id}"}
    answer = client.post("/v1/auth/switch-company", json={"company_id": ben.company_id}, headers=key)
    assert answer.status_code == 200
    rows = superuser.execute("SELECT body FROM idempotency_keys WHERE key = %s", (key["Idempotency-Key"],)).fetchall()
    assert all(answer.json["refresh_token"].encode() not in bytes(body) for (body,) in rows)
