"""Setting a forgotten password anew: with the mail of the account; nobody learns whether there is one."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from identity.commands import answering
from identity.hashing import Hasher

NEW = "another horse battery"
PATH = "/v1/auth/password"


def test_a_forgotten_password_is_set_anew_with_the_mail_of_the_account(
    *,
    register: Callable[..., Any],
    link: Callable[..., Any],
    reset: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    revoked: Callable[..., Any],
    published: Callable[..., Any],
    kinds: Callable[..., Any],
) -> None:
    ann = register()
    token = link(ann.email)
    assert reset(token).status_code == 204
    assert log_in(ann.email, NEW).status_code == 200
    assert log_in(ann.email, ann.password).status_code == 401
    assert refresh(ann.answer["refresh_token"]).status_code == 401
    assert revoked("user", ann.user_id) == 2
    events = published(ann.company_id)
    assert kinds(ann.company_id) == ["password_forgotten", "session_ended"]
    assert [event["type"] for event in events].count("crm.user.password_changed.v1") == 1


def test_a_link_is_good_once(
    register: Callable[..., Any], link: Callable[..., Any], reset: Callable[..., Any], log_in: Callable[..., Any]
) -> None:
    ann = register()
    token = link(ann.email)
    assert reset(token).status_code == 204
    response = reset(token, "a third horse battery")
    assert (response.status_code, response.json["code"]) == (422, "invalid_one_time_token")
    assert log_in(ann.email, NEW).status_code == 200


def test_of_two_who_use_a_link_at_once_one_succeeds(
    register: Callable[..., Any], link: Callable[..., Any], side_by_side: Callable[..., Any]
) -> None:
    token = link(register().email)
    body = {"token": token, "new_password": NEW}
    answers = side_by_side([lambda client: client.post(f"{PATH}/reset", json=body)] * 4)
    assert sorted(response.status_code for response in answers) == [204, 422, 422, 422]


def test_a_link_is_good_for_an_hour(
    register: Callable[..., Any], link: Callable[..., Any], reset: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann = register()
    token = link(ann.email)
    row = superuser.execute(
        "UPDATE one_time_tokens SET expires_at = expires_at - interval '1 hour'"
        " WHERE user_id = %s AND purpose = 'reset_password' RETURNING created_at - expires_at < interval '1 second'",
        (ann.user_id,),
    ).fetchone()
    assert row == (True,)
    assert reset(token).status_code == 422


def test_a_newer_link_and_a_changed_password_make_a_link_worthless(
    register: Callable[..., Any],
    link: Callable[..., Any],
    reset: Callable[..., Any],
    change: Callable[..., Any],
    later: Callable[..., Any],
) -> None:
    ann = register()
    first = link(ann.email)
    later("1 minute")
    second = link(ann.email)
    assert reset(first).status_code == 422
    assert change(ann.headers, ann.password).status_code == 204
    assert reset(second).status_code == 422


def test_a_link_for_one_purpose_serves_no_other(
    *,
    http: Any,
    register: Callable[..., Any],
    link: Callable[..., Any],
    reset: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
) -> None:
    ann = register()
    assert reset(token_of(letters(ann.email)[0])).status_code == 422
    assert http.post("/v1/auth/email/verify", json={"token": link(ann.email)}).status_code == 422


def test_a_reset_lifts_the_throttle_of_the_account(
    register: Callable[..., Any],
    link: Callable[..., Any],
    reset: Callable[..., Any],
    log_in: Callable[..., Any],
) -> None:
    ann = register()
    for _ in range(4):
        log_in(ann.email, "wrong horse battery")
    assert log_in(ann.email).status_code == 429
    assert reset(link(ann.email)).status_code == 204
    assert log_in(ann.email, NEW).status_code == 200


def test_an_unknown_address_gets_the_same_answer_and_no_letter(
    register: Callable[..., Any],
    forget: Callable[..., Any],
    answer: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    count = "SELECT count(*) FROM mails"
    known, before = register(), superuser.execute(count).fetchone()
    answer()
    unknown, same = forget(f"nobody-{known.email}"), forget(known.email)
    assert (unknown.status_code, unknown.data) == (same.status_code, same.data) == (202, b"")
    assert {name for name, _ in unknown.headers} == {name for name, _ in same.headers}
    # Neither has been looked up yet, so neither can have taken longer.
    assert superuser.execute(count).fetchone() == before
    assert answer() == 2
    assert before is not None
    assert superuser.execute(count).fetchone() == (before[0] + 1,)


def test_known_and_unknown_addresses_take_the_same_statements(
    register: Callable[..., Any], forget: Callable[..., Any], statements: list[str]
) -> None:
    ann = register()
    taken = []
    for email in (ann.email, f"nobody-{ann.email}"):
        statements.clear()
        forget(email)
        taken.append(list(statements))
    assert taken[0] == taken[1]
    assert len(taken[0]) >= 3


@pytest.mark.parametrize("status", ["inactive", "suspended everywhere"])
def test_who_cannot_sign_in_gets_no_letter(
    *,
    register: Callable[..., Any],
    forget: Callable[..., Any],
    answer: Callable[..., Any],
    letters: Callable[..., Any],
    superuser: psycopg.Connection,
    status: str,
) -> None:
    ann = register()
    change = (
        "UPDATE users SET is_active = false WHERE id = %s"
        if status == "inactive"
        else "UPDATE user_companies SET status = 'suspended' WHERE user_id = %s"
    )
    superuser.execute(change, (ann.user_id,))
    assert forget(ann.email).status_code == 202
    answer()
    assert [subject for subject, _ in letters(ann.email)] == ["Confirm your e-mail address"]


def test_an_account_gets_one_letter_a_minute(
    register: Callable[..., Any],
    forget: Callable[..., Any],
    answer: Callable[..., Any],
    letters: Callable[..., Any],
    later: Callable[..., Any],
) -> None:
    ann = register()
    for email in (ann.email, ann.email.lower(), ann.email):
        assert forget(email).status_code == 202
    answer()
    assert len(letters(ann.email)) == 2
    later("1 minute")
    forget(ann.email)
    answer()
    assert len(letters(ann.email)) == 3


def test_who_asks_for_many_letters_is_throttled(forget: Callable[..., Any], later: Callable[..., Any]) -> None:
    statuses = [forget(f"nobody-{number}@acme.example").status_code for number in range(22)]
    assert statuses == [202] * 21 + [429]
    later("1 second")
    assert forget("nobody@acme.example").status_code == 202


def test_an_attempt_that_cannot_be_answered_holds_up_no_other(
    *,
    register: Callable[..., Any],
    forget: Callable[..., Any],
    answer: Callable[..., Any],
    letters: Callable[..., Any],
    superuser: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ann, ben = register(), register()
    answer()
    forget(ann.email)
    forget(ben.email)

    def fail(session: Any, app_url: str, user_id: int) -> None:
        if user_id == ann.user_id:
            raise LookupError("as if the user had gone meanwhile")
        real(session, app_url, user_id)

    real = answering.letters.offer_reset
    monkeypatch.setattr(answering.letters, "offer_reset", fail)
    assert answer() == 1
    assert len(letters(ben.email)) == 2
    monkeypatch.undo()
    assert answer() == 1
    assert len(letters(ann.email)) == 2


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\x00", "\u00e9" * 43, "a" * 100_000])
def test_a_token_that_never_was_is_refused_before_a_password_is_hashed(
    reset: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setattr(Hasher, "hash", None)
    assert reset(token).status_code == 422
