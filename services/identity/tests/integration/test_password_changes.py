"""Changing a password: with the old one; and what ends with it."""

import itertools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from chassis.testing.databases import DatabaseUrls
from chassis.testing.waiting import wait_until

NEW = "another horse battery"
PATH = "/v1/auth/password"


def test_the_new_password_signs_in_and_the_old_one_no_more(
    register: Callable[..., Any], change: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    ann = register()
    assert change(ann.headers, ann.password).status_code == 204
    assert log_in(ann.email, NEW).status_code == 200
    assert log_in(ann.email, ann.password).status_code == 401


def test_a_change_ends_all_other_sessions_in_all_companies(
    *,
    http: Any,
    register: Callable[..., Any],
    change: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    join: Callable[..., Any],
    claims: Callable[..., Any],
    kinds: Callable[..., Any],
    revoked: Callable[..., Any],
) -> None:
    ann, ben = register(), register()
    join(ann.user_id, ben.company_id)
    there = log_in(ann.email, company_id=ben.company_id).json
    here = log_in(ann.email).json
    assert change(ann.headers, ann.password).status_code == 204
    for other in (there, here):
        assert refresh(other["refresh_token"]).status_code == 401
        assert revoked("session", claims(other["access_token"])["sid"]) == 1
    assert kinds(ann.company_id) == ["session_ended"]
    assert kinds(ben.company_id) == ["session_ended"]
    # The session that changed it goes on, with the very token that it has.
    assert refresh(ann.answer["refresh_token"]).status_code == 200
    assert revoked("session", claims(ann.answer["access_token"])["sid"]) is None
    assert revoked("user", ann.user_id) is None
    assert http.get("/v1/auth/me", headers=ann.headers).status_code == 200
    assert refresh(ben.answer["refresh_token"]).status_code == 200


def test_a_change_is_published_without_the_password(
    http: Any, register: Callable[..., Any], change: Callable[..., Any], published: Callable[..., Any]
) -> None:
    ann = register()
    change(ann.headers, ann.password)
    event = next(event for event in published(ann.company_id) if event["type"] == "crm.user.password_changed.v1")
    assert (event["aggregateversion"], event["actor"]) == (2, str(ann.user_id))
    assert event["data"]["changed"] == []
    assert event["data"]["before"] == ann.answer["user"]
    assert event["data"]["after"] == http.get("/v1/auth/me", headers=ann.headers).json["user"]


def test_the_user_is_told_of_the_change(
    register: Callable[..., Any], change: Callable[..., Any], letters: Callable[..., Any]
) -> None:
    ann = register()
    change(ann.headers, ann.password)
    subject, text = letters(ann.email)[-1]
    assert subject == "Your password was changed"
    assert text.startswith("Hello Ann,")
    assert NEW not in text


def test_a_wrong_current_password_changes_nothing_and_is_told_to_the_audit_log(
    register: Callable[..., Any],
    change: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    kinds: Callable[..., Any],
) -> None:
    ann = register()
    other = log_in(ann.email).json
    response = change(ann.headers, "wrong horse battery")
    assert response.status_code == 422
    assert response.json["code"] == "wrong_password"
    assert response.json["errors"][0]["pointer"] == "/current_password"
    assert log_in(ann.email, ann.password).status_code == 200
    assert refresh(other["refresh_token"]).status_code == 200
    assert kinds(ann.company_id) == ["wrong_password"]


def test_guesses_at_the_current_password_count_at_the_door_as_well(
    register: Callable[..., Any], change: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    ann = register()
    statuses = [change(ann.headers, "wrong horse battery").status_code for _ in range(2)]
    statuses += [log_in(ann.email, "wrong horse battery").status_code for _ in range(2)]
    assert statuses == [422, 422, 401, 401]
    assert log_in(ann.email, ann.password).status_code == 429


def test_guesses_at_the_door_keep_nobody_who_is_in_from_a_new_password(
    register: Callable[..., Any], change: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    ann = register()
    for _ in range(5):
        log_in(ann.email, "wrong horse battery")
    assert change(ann.headers, ann.password).status_code == 204
    # The guesses were at another password.
    assert log_in(ann.email, NEW).status_code == 200


def test_guesses_at_the_current_password_come_to_an_end(
    register: Callable[..., Any], change: Callable[..., Any]
) -> None:
    ann = register()
    answers = [change(ann.headers, f"wrong horse {number}") for number in range(7)]
    assert [answer.status_code for answer in answers] == [422] * 6 + [429]
    assert (answers[-1].json["code"], answers[-1].headers["Retry-After"]) == ("too_many_attempts", "1")


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("a" * 73, "password_too_long"),
        ("\U0001f511" * 19, "password_too_long"),
        ("a" * (256 * 1024 - 200), "password_too_long"),
        ("short", "password_too_short"),
        ("nul\x00in the middle", "password_invalid"),
    ],
)
def test_a_new_password_keeps_the_rules(
    http: Any, register: Callable[..., Any], change: Callable[..., Any], new: str, code: str
) -> None:
    ann = register()
    for response in (
        change(ann.headers, ann.password, new),
        http.post(f"{PATH}/reset", json={"token": "x", "new_password": new}),
    ):
        assert response.status_code == 422
        assert [(e["pointer"], e["code"]) for e in response.json["errors"]] == [("/new_password", code)]


def test_of_many_changes_at_once_one_is_made_and_the_others_cost_no_hash(
    *, register: Callable[..., Any], side_by_side: Callable[..., Any], log_in: Callable[..., Any], urls: DatabaseUrls
) -> None:
    """Whoever knows their password could otherwise keep everybody from signing in."""
    ann = register()

    def to(new: str) -> Any:
        body = {"current_password": ann.password, "new_password": new}
        return lambda client: client.post(PATH, json=body, headers=ann.headers)

    news = [f"{NEW} {number}" for number in range(4)]
    with psycopg.connect(urls.superuser) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (ann.user_id,))
        running = pool.submit(side_by_side, [to(new) for new in news])
        wait_for_waiting(urls, 1)
        time.sleep(0.2)
        holder.commit()
        responses = running.result()
    statuses = [response.status_code for response in responses]
    assert sorted(statuses) == [204, 429, 429, 429]
    assert {response.headers.get("Retry-After") for response in responses} == {None, "1"}
    assert log_in(ann.email, news[statuses.index(204)]).status_code == 200


def test_right_changes_are_throttled_as_well(register: Callable[..., Any], change: Callable[..., Any]) -> None:
    ann = register()
    passwords = [ann.password, *(f"{NEW} {number}" for number in range(7))]
    answers = [change(ann.headers, old, new).status_code for old, new in itertools.pairwise(passwords)]
    assert answers == [204] * 6 + [429]


def test_a_change_that_another_one_has_overtaken_is_not_made(
    *, register: Callable[..., Any], side_by_side: Callable[..., Any], log_in: Callable[..., Any], urls: DatabaseUrls
) -> None:
    """It has shown that it knows the old password before another one was set, by a letter's link."""
    ann, ben = register(), register()
    body = {"current_password": ann.password, "new_password": NEW}
    with psycopg.connect(urls.superuser) as holder, ThreadPoolExecutor(1) as pool:
        holder.execute("SELECT FROM users WHERE id = %s FOR UPDATE", (ann.user_id,))
        running = pool.submit(side_by_side, [lambda client: client.post(PATH, json=body, headers=ann.headers)])
        wait_for_waiting(urls, 1)
        other = "UPDATE users u SET password_hash = o.password_hash FROM users o WHERE (o.id, u.id) = (%s, %s)"
        holder.execute(other, (ben.user_id, ann.user_id))
        holder.commit()
        (response,) = running.result()
    assert (response.status_code, response.json["code"]) == (409, "password_changed_meanwhile")
    assert log_in(ann.email, NEW).status_code == 401


def wait_for_waiting(urls: DatabaseUrls, count: int) -> None:
    """Return when so many sessions of the database wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        wait_until(lambda: connection.execute(waiting).fetchone(), so=lambda found: found == (count,))


def test_nobody_comes_in_with_the_old_password_while_it_is_changed(
    register: Callable[..., Any], side_by_side: Callable[..., Any], refresh: Callable[..., Any]
) -> None:
    for ann in [register() for _ in range(5)]:
        body = {"current_password": ann.password, "new_password": NEW}
        changed, signed_in = side_by_side(
            [
                lambda client, body=body, ann=ann: client.post(PATH, json=body, headers=ann.headers),
                lambda client, ann=ann: client.post(
                    "/v1/auth/login", json={"email": ann.email, "password": ann.password}
                ),
            ]
        )
        assert changed.status_code == 204
        # Either the sign-in came too late, or it came in time and the change ended its session.
        assert signed_in.status_code in (200, 401)
        if signed_in.status_code == 200:
            assert refresh(signed_in.json["refresh_token"]).status_code == 401


@pytest.mark.parametrize(
    ("path", "given"),
    [
        ("", {"current_password": "x", "new_password": NEW, "user_id": 1}),
        ("", {"current_password": "x"}),
        ("", {"current_password": 1, "new_password": NEW}),
        ("/forgot", {"email": "ann@acme.example", "password_hash": "x"}),
        ("/forgot", {"email": "a\x00@acme.example"}),
        ("/forgot", {"email": "a" * 256}),
        ("/forgot", {}),
        ("/reset", {"token": "x", "new_password": NEW, "user_id": 1}),
        ("/reset", {"token": "x", "new_password": NEW, "company_id": 1}),
        ("/reset", {"token": ["x"], "new_password": NEW}),
        ("/reset", {"new_password": NEW}),
    ],
)
def test_what_is_not_asked_for_is_refused(http: Any, register: Callable[..., Any], path: str, given: Any) -> None:
    assert http.post(PATH + path, json=given, headers=register().headers).status_code == 422


def test_a_change_that_is_sent_again_with_its_key_is_good_and_a_refused_one_leaves_the_key_free(
    http: Any, register: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    ann = register()

    def send(old: str) -> Any:
        headers = ann.headers | {"Idempotency-Key": "change"}
        return http.post(PATH, json={"current_password": old, "new_password": NEW}, headers=headers)

    assert send("wrong horse battery").status_code == 422
    assert [send(ann.password).status_code for _ in range(2)] == [204, 204]
    assert log_in(ann.email, NEW).status_code == 200
