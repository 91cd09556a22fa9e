"""Proving an e-mail address with the letter that was sent there."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

VERIFY = "/v1/auth/email/verify"
AGAIN = "/v1/auth/email/verification"


@pytest.fixture
def is_verified(http: Any) -> Any:
    def ask(registered: Any) -> Any:
        return http.get("/v1/auth/me", headers=registered.headers).json["user"]["is_verified"]

    return ask


def test_registering_sends_a_link_that_verifies_the_address(
    *,
    http: Any,
    register: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
    is_verified: Callable[..., Any],
    published: Callable[..., Any],
) -> None:
    ann = register()
    (letter,) = letters(ann.email)
    assert letter[0] == "Confirm your e-mail address"
    assert "http://127.0.0.1:8080/verify-email#token=" in letter[1]
    assert is_verified(ann) is False
    response = http.post(VERIFY, json={"token": token_of(letter)})
    assert (response.status_code, response.data) == (204, b"")
    assert is_verified(ann) is True
    event, told = published(ann.company_id)[-2:]
    assert (event["type"], event["actor"]) == ("crm.user.verified.v1", str(ann.user_id))
    assert told["type"] == "crm.user_company.updated.v1"
    assert event["data"]["changed"] == ["is_verified"]
    assert event["data"]["before"] == ann.answer["user"]


def test_a_registration_that_fails_sends_no_letter(http: Any, body: Callable[..., Any], letters: Any) -> None:
    document = body()
    assert http.post("/v1/auth/register", json=document).status_code == 201
    document["user"]["email"] = "other-" + document["user"]["email"]
    assert http.post("/v1/auth/register", json=document).status_code == 409
    assert letters(document["user"]["email"]) == []


def test_a_link_verifies_once_and_for_three_days(
    *,
    http: Any,
    register: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
    is_verified: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    ann, ben = register(), register()
    token = token_of(letters(ann.email)[0])
    assert [http.post(VERIFY, json={"token": token}).status_code for _ in range(2)] == [204, 422]
    superuser.execute(
        "UPDATE one_time_tokens SET expires_at = expires_at - interval '3 days' WHERE user_id = %s", (ben.user_id,)
    )
    response = http.post(VERIFY, json={"token": token_of(letters(ben.email)[0])})
    assert (response.status_code, response.json["code"]) == (422, "invalid_one_time_token")
    assert is_verified(ben) is False


def test_of_two_who_verify_at_once_one_event_remains(
    register: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
    at_once: Callable[..., Any],
    published: Callable[..., Any],
) -> None:
    ann = register()
    token = token_of(letters(ann.email)[0])
    statuses = sorted(response.status_code for response in at_once(VERIFY, [{"token": token}] * 4))
    assert statuses == [204, 422, 422, 422]
    assert [event["type"] for event in published(ann.company_id)].count("crm.user.verified.v1") == 1


def test_the_letter_is_sent_again_and_voids_the_one_before(
    http: Any,
    register: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
) -> None:
    ann = register()
    response = http.post(AGAIN, headers=ann.headers)
    assert (response.status_code, response.data) == (202, b"")
    first, second = map(token_of, letters(ann.email))
    assert [http.post(VERIFY, json={"token": token}).status_code for token in (first, second)] == [422, 204]


def test_the_letter_is_sent_again_once_a_minute(
    http: Any, register: Callable[..., Any], letters: Callable[..., Any], later: Callable[..., Any]
) -> None:
    ann = register()
    assert http.post(AGAIN, headers=ann.headers).status_code == 202
    response = http.post(AGAIN, headers=ann.headers)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 60
    assert len(letters(ann.email)) == 2
    later("1 minute")
    assert http.post(AGAIN, headers=ann.headers).status_code == 202


def test_who_is_verified_needs_no_letter(
    http: Any, register: Callable[..., Any], letters: Callable[..., Any], token_of: Callable[..., Any]
) -> None:
    ann = register()
    http.post(VERIFY, json={"token": token_of(letters(ann.email)[0])})
    response = http.post(AGAIN, headers=ann.headers)
    assert (response.status_code, response.json["code"]) == (409, "email_verified_already")


@pytest.mark.parametrize(
    "body", [{}, {"token": 1}, {"token": None}, {"token": "x", "email": "x@acme.example"}, {"token": "x"}, []]
)
def test_a_malformed_or_invented_token_is_422(http: Any, body: Any) -> None:
    assert http.post(VERIFY, json=body).status_code == 422


def test_no_token_of_a_letter_is_stored(
    register: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    ann = register()
    token = token_of(letters(ann.email)[0])
    rows = superuser.execute("SELECT t::text || encode(t.token_hash, 'escape') FROM one_time_tokens t").fetchall()
    assert token not in "".join(row[0] for row in rows)


def test_names_with_line_breaks_get_into_no_letter(http: Any, body: Callable[..., Any]) -> None:
    answer = http.post("/v1/auth/register", json=body(first_name="Ann\r\nBcc: eve@evil.example"))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json["errors"]] == ["/user/first_name"]
