"""Refresh tokens: one chain per session, a second chance for a lost answer, and the end of the family for a thief."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from identity.rules import permissions_of


@pytest.fixture
def age(superuser: psycopg.Connection) -> Any:
    """Let time pass for a session: move every timestamp of its tokens into the past."""

    def pass_time(company_id: int, interval: str) -> Any:
        superuser.execute(
            "UPDATE refresh_tokens SET used_at = used_at - %(by)s::interval, expires_at = expires_at - %(by)s::interval"
            " WHERE company_id = %(company)s",
            {"by": interval, "company": company_id},
        )
        superuser.execute(
            "UPDATE sessions SET expires_at = expires_at - %s::interval WHERE company_id = %s", (interval, company_id)
        )

    return pass_time


def refused(response: Any) -> Any:
    return response.status_code == 401 and response.json["code"] == "invalid_refresh_token"


def test_a_refresh_gives_new_tokens_of_the_same_session(
    register: Callable[..., Any], refresh: Callable[..., Any], claims: Callable[..., Any]
) -> None:
    ann = register()
    response = refresh(ann.answer["refresh_token"])
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    old, new = claims(ann.answer["access_token"]), claims(response.json["access_token"])
    assert response.json["refresh_token"] != ann.answer["refresh_token"]
    assert old["jti"] != new["jti"]
    for name in ("sid", "sub", "company_id", "role", "scope", "ver"):
        assert old[name] == new[name]


def test_a_lost_answer_is_given_again(register: Callable[..., Any], refresh: Callable[..., Any]) -> None:
    token = register().answer["refresh_token"]
    first, second = refresh(token), refresh(token)
    assert second.status_code == 200
    assert first.json["refresh_token"] == second.json["refresh_token"]
    assert refresh(second.json["refresh_token"]).status_code == 200


def test_after_the_window_reuse_ends_the_session(
    register: Callable[..., Any], refresh: Callable[..., Any], age: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    successor = refresh(ann.answer["refresh_token"]).json["refresh_token"]
    age(ann.company_id, "21 seconds")
    assert refused(refresh(ann.answer["refresh_token"]))
    assert refused(refresh(successor))
    ended = superuser.execute("SELECT end_reason FROM sessions WHERE user_id = %s", (ann.user_id,)).fetchone()
    assert ended == ("refresh_token_reused",)


def test_reuse_after_the_successor_was_used_ends_the_session(
    register: Callable[..., Any], refresh: Callable[..., Any]
) -> None:
    token = register().answer["refresh_token"]
    second = refresh(token).json["refresh_token"]
    third = refresh(second).json["refresh_token"]
    assert refused(refresh(token))
    assert refused(refresh(third))


def test_another_session_of_the_same_user_goes_on(
    register: Callable[..., Any], refresh: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    ann = register()
    other = log_in(ann.email).json["refresh_token"]
    refresh(refresh(ann.answer["refresh_token"]).json["refresh_token"])
    assert refused(refresh(ann.answer["refresh_token"]))
    assert refresh(other).status_code == 200


def test_a_hundred_at_once_yield_one_chain(
    register: Callable[..., Any],
    refresh: Callable[..., Any],
    side_by_side: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    ann = register()

    def exchange(client: Any) -> Any:
        """Refresh; who is told to come back because the session is busy comes back, as clients do."""
        while True:
            response = client.post("/v1/auth/refresh", json={"refresh_token": ann.answer["refresh_token"]})
            if "Retry-After" not in response.headers:
                return response

    responses = side_by_side([exchange] * 100)
    assert {response.status_code for response in responses} == {200}
    successors = {response.json["refresh_token"] for response in responses}
    assert len(successors) == 1
    rows = superuser.execute("SELECT count(*) FROM refresh_tokens WHERE company_id = %s", (ann.company_id,)).fetchone()
    assert rows == (2,)
    assert refresh(successors.pop()).status_code == 200


def test_a_replay_after_the_window_is_refused_everywhere_at_once_and_told(
    *,
    register: Callable[..., Any],
    refresh: Callable[..., Any],
    age: Callable[..., Any],
    claims: Callable[..., Any],
    revoked: Callable[..., Any],
    published: Callable[..., Any],
    letters: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    ann = register()
    refresh(ann.answer["refresh_token"])
    age(ann.company_id, "21 seconds")
    assert refused(refresh(ann.answer["refresh_token"]))
    assert revoked("session", claims(ann.answer["access_token"])["sid"]) == 1
    # Nothing else is taken from the user: their other sessions did nothing wrong.
    assert revoked("user", ann.user_id) is None
    ended, reused = published(ann.company_id)[-2:]
    row = superuser.execute("SELECT id FROM sessions WHERE user_id = %s", (ann.user_id,)).fetchone()
    assert row is not None
    assert ended["data"]["after"]["detail"] == {"session_id": row[0], "reason": "refresh_token_reused"}
    assert (reused["data"]["after"]["kind"], reused["data"]["after"]["user_id"]) == (
        "refresh_token_reused",
        ann.user_id,
    )
    assert reused["actor"] is None
    subject, text = letters(ann.email)[-1]
    assert subject == "A session of yours was ended"
    assert ann.answer["refresh_token"] not in text


def test_a_second_replay_tells_nothing_more(
    register: Callable[..., Any],
    refresh: Callable[..., Any],
    side_by_side: Callable[..., Any],
    published: Callable[..., Any],
    letters: Callable[..., Any],
) -> None:
    ann = register()
    token = ann.answer["refresh_token"]
    refresh(refresh(token).json["refresh_token"])
    responses = side_by_side([lambda client: client.post("/v1/auth/refresh", json={"refresh_token": token})] * 8)
    assert all(refused(response) for response in responses)
    kinds = [event["data"]["after"].get("kind") for event in published(ann.company_id)]
    assert (kinds.count("refresh_token_reused"), kinds.count("session_ended")) == (1, 1)
    assert len(letters(ann.email)) == 2


@pytest.mark.parametrize(("interval", "good"), [("13 days 23 hours", True), ("14 days 1 second", False)])
def test_a_token_idles_for_fourteen_days(
    register: Callable[..., Any], refresh: Callable[..., Any], age: Callable[..., Any], interval: str, good: bool
) -> None:
    ann = register()
    age(ann.company_id, interval)
    assert (refresh(ann.answer["refresh_token"]).status_code == 200) is good


def test_a_session_ends_after_ninety_days_however_busy(
    register: Callable[..., Any], refresh: Callable[..., Any], age: Callable[..., Any]
) -> None:
    ann = register()
    token = ann.answer["refresh_token"]
    for _ in range(7):
        age(ann.company_id, "12 days 20 hours")
        response = refresh(token)
        assert response.status_code == 200
        token = response.json["refresh_token"]
    age(ann.company_id, "5 hours")
    assert refused(refresh(token))


def test_no_refresh_token_is_stored(
    register: Callable[..., Any], refresh: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    successor = refresh(ann.answer["refresh_token"]).json["refresh_token"]
    rows = superuser.execute(
        "SELECT t::text || encode(t.token_hash, 'escape') || encode(t.nonce, 'escape') FROM refresh_tokens t"
    ).fetchall()
    stored = "".join(row[0] for row in rows)
    assert ann.answer["refresh_token"] not in stored
    assert successor not in stored


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\x00" * 43, "\u00e9" * 43, "a" * 100_000])
def test_what_was_never_issued_is_refused(refresh: Callable[..., Any], token: str) -> None:
    assert refused(refresh(token))


def test_a_deactivated_user_is_refused_and_the_session_ends(
    register: Callable[..., Any], refresh: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    superuser.execute("UPDATE users SET is_active = false WHERE id = %s", (ann.user_id,))
    assert refused(refresh(ann.answer["refresh_token"]))
    superuser.execute("UPDATE users SET is_active = true WHERE id = %s", (ann.user_id,))
    assert refused(refresh(ann.answer["refresh_token"]))


def test_a_suspended_company_is_403_and_costs_the_token_nothing(
    register: Callable[..., Any], refresh: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    superuser.execute("UPDATE companies SET status = 'suspended' WHERE id = %s", (ann.company_id,))
    response = refresh(ann.answer["refresh_token"])
    assert (response.status_code, response.json["code"]) == (403, "company_suspended")
    superuser.execute("UPDATE companies SET status = 'active' WHERE id = %s", (ann.company_id,))
    assert refresh(ann.answer["refresh_token"]).status_code == 200


def test_a_changed_role_arrives_with_the_next_refresh(
    register: Callable[..., Any], refresh: Callable[..., Any], superuser: psycopg.Connection, claims: Callable[..., Any]
) -> None:
    ann = register()
    superuser.execute("UPDATE user_companies SET role = 'user' WHERE user_id = %s", (ann.user_id,))
    token = claims(refresh(ann.answer["refresh_token"]).json["access_token"])
    held = set(token["scope"].split())
    assert token["role"] == "user"
    assert (held, len(held)) == (permissions_of("user", None), len(token["scope"].split()))
    assert "customers:read" in held
    assert "customers:write" not in held


def test_who_left_the_company_has_no_session_there(
    register: Callable[..., Any], refresh: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    superuser.execute("DELETE FROM user_companies WHERE user_id = %s", (ann.user_id,))
    assert refused(refresh(ann.answer["refresh_token"]))


def test_a_session_that_refreshes_without_end_waits_and_others_do_not(
    register: Callable[..., Any], refresh: Callable[..., Any]
) -> None:
    ann, bob = register(), register()
    token, statuses = ann.answer["refresh_token"], []
    while len(statuses) < 40 and 429 not in statuses:
        answer = refresh(token)
        statuses.append(answer.status_code)
        token = answer.json.get("refresh_token", token)
    assert len(statuses) > 30
    assert answer.json["code"] == "too_many_attempts"
    assert refresh(bob.answer["refresh_token"]).status_code == 200
