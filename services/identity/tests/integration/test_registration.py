"""Registering: a company, its admin and their tokens at once, or nothing at all."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from identity import rules
from identity.schemas.auth import IdentityOut, RegistrationOut
from identity.schemas.keys import KeySetOut


def change(document: Any, where: str, value: object) -> Any:
    part, field = where.strip("/").split("/")
    document[part][field] = value
    return document


def test_registering_answers_company_user_and_tokens(http: Any, body: Callable[..., Any]) -> None:
    document = body()
    response = http.post("/v1/auth/register", json=document)
    assert response.status_code == 201
    assert response.headers["Cache-Control"] == "no-store"
    assert response.json["company"]["email"] == document["company"]["email"]
    assert response.json["user"]["name"] == "Ann Smith"
    assert response.json["token_type"] == "Bearer"
    assert response.json["expires_in"] == 600


def test_what_postgresql_answers_is_what_the_schemas_say(http: Any, register: Callable[..., Any]) -> None:
    ann = register()
    me = http.get("/v1/auth/me", headers=ann.headers).json
    keys = http.get("/.well-known/jwks.json").json
    for schema, document in ((RegistrationOut(), ann.answer), (IdentityOut(), me), (KeySetOut(), keys)):
        assert schema.validate(document) == {}
        assert schema.dump(schema.load(document)) == document


def test_optional_fields_of_the_company_are_kept(http: Any, body: Callable[..., Any]) -> None:
    given = {
        "phone": "+1-555-0100",
        "company_size": "Small",
        "default_currency": "EUR",
        "time_zone": "Europe/Berlin",
        "region": "DE",
        "city": "K\u00f6ln",
    }
    document = body()
    document["company"] |= given
    company = http.post("/v1/auth/register", json=document).json["company"]
    assert given.items() <= company.items()
    assert company["status"] == "active"


def test_the_founder_is_admin_of_the_primary_company(http: Any, register: Callable[..., Any]) -> None:
    ann = register()
    me = http.get("/v1/auth/me", headers=ann.headers).json
    assert me["user"] == ann.answer["user"]
    assert me["company"] == ann.answer["company"]
    assert me["role"] == "admin"
    assert me["permissions"] == sorted(rules.SCOPES["admin"])


def test_me_without_a_token_is_401(http: Any) -> None:
    response = http.get("/v1/auth/me")
    assert response.status_code == 401
    assert response.json["code"] == "missing_token"


def test_who_left_the_company_is_nobody(http: Any, register: Callable[..., Any], superuser: psycopg.Connection) -> None:
    ann = register()
    superuser.execute("DELETE FROM user_companies WHERE user_id = %s", (ann.user_id,))
    response = http.get("/v1/auth/me", headers=ann.headers)
    assert response.status_code == 401
    assert response.json["code"] == "invalid_token"


@pytest.mark.parametrize("part", ["user", "company"])
def test_an_email_taken_in_another_case_is_a_conflict_and_changes_nothing(
    http: Any, body: Callable[..., Any], superuser: psycopg.Connection, part: str
) -> None:
    first, second = body(), body()
    assert http.post("/v1/auth/register", json=first).status_code == 201
    second[part]["email"] = first[part]["email"].swapcase()
    response = http.post("/v1/auth/register", json=second)
    assert response.status_code == 409
    assert response.json["errors"][0]["pointer"] == f"/{part}/email"
    companies = "SELECT email FROM companies WHERE email = %s"
    users = "SELECT email FROM users WHERE email = %s"
    assert superuser.execute(companies, (second["company"]["email"],)).fetchone() is None
    assert superuser.execute(users, (second["user"]["email"],)).fetchone() is None


def test_rollback_leaves_no_outbox_row(http: Any, body: Callable[..., Any], superuser: psycopg.Connection) -> None:
    document = body()
    http.post("/v1/auth/register", json=document)
    before = superuser.execute("SELECT count(*) FROM outbox").fetchone()
    document["company"]["email"] = "other-" + document["company"]["email"]
    assert http.post("/v1/auth/register", json=document).status_code == 409
    assert superuser.execute("SELECT count(*) FROM outbox").fetchone() == before


def test_of_two_who_register_one_address_at_once_one_wins(
    at_once: Callable[..., Any], body: Callable[..., Any]
) -> None:
    documents = [body() for _ in range(4)]
    for document in documents:
        document["user"]["email"] = documents[0]["user"]["email"]
    responses = at_once("/v1/auth/register", documents)
    assert sorted(response.status_code for response in responses) == [201, 409, 409, 409]


@pytest.mark.parametrize(
    ("pointer", "value", "code"),
    [
        ("/user/password", "a" * 73, "password_too_long"),
        ("/user/password", "\U0001f511" * 19, "password_too_long"),
        ("/user/password", "short", "password_too_short"),
        ("/user/password", "nul\x00in the middle", "password_invalid"),
        ("/user/password", 12345678, "invalid"),
        ("/user/password", None, "null"),
        ("/user/email", "no address", "invalid"),
        ("/user/email", "ann@acme\n.example", "invalid"),
        ("/user/email", "a" * 250 + "@acme.example", "invalid"),
        ("/user/first_name", "nul\x00", "invalid"),
        ("/user/first_name", "", "invalid"),
        ("/user/role", "super_admin", "unknown_field"),
        ("/user/is_active", True, "unknown_field"),
        ("/company/id", 1, "unknown_field"),
        ("/company/status", "active", "unknown_field"),
        ("/company/subscription_plan", "free", "unknown_field"),
        ("/company/default_currency", "usd", "invalid"),
        ("/company/default_currency", "US\u0110", "invalid"),
        ("/company/region", "DEU", "invalid"),
        ("/company/time_zone", "Mars/Olympus", "invalid"),
        ("/company/company_size", "huge", "invalid"),
        ("/company/address", "a" * 2001, "invalid"),
        ("/company/name", {"$ne": 1}, "invalid"),
    ],
)
def test_bad_input_is_422_with_its_pointer(
    http: Any, body: Callable[..., Any], pointer: str, value: object, code: str
) -> None:
    response = http.post("/v1/auth/register", json=change(body(), pointer, value))
    assert response.status_code == 422
    assert [(error["pointer"], error["code"]) for error in response.json["errors"]] == [(pointer, code)]


def test_a_password_of_72_bytes_in_emoji_signs_in(register: Callable[..., Any], log_in: Callable[..., Any]) -> None:
    ann = register(password="\U0001f511" * 18, first_name="\U0001f469\u200d\U0001f680")
    assert ann.answer["user"]["first_name"] == "\U0001f469\u200d\U0001f680"
    assert log_in(ann.email, ann.password).status_code == 200


def test_registering_publishes_company_user_and_membership(
    register: Callable[..., Any], published: Callable[..., Any]
) -> None:
    ann = register()
    events = published(ann.company_id)
    assert [event["type"] for event in events] == [
        "crm.company.created.v1",
        "crm.user.created.v1",
        "crm.user_company.created.v1",
    ]
    company, user, member = events
    assert company["data"] == {"before": None, "after": ann.answer["company"], "changed": []}
    assert user["data"]["after"] == ann.answer["user"]
    assert member["data"]["after"]["user"] == {
        "first_name": "Ann",
        "last_name": "Smith",
        "email": ann.email,
        "phone": None,
        "avatar": None,
        "is_active": True,
        "is_verified": False,
    }
    assert {event["actor"] for event in events} == {str(ann.user_id)}
    assert {event["companyid"] for event in events} == {ann.company_id}
    assert {event["aggregateversion"] for event in events} == {1}
