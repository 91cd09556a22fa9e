"""What identity publishes: as its contracts say, field for field, and never a secret."""

from collections.abc import Callable
from typing import Any

import orjson
import psycopg
import pytest

from chassis.contracts.files import Contracts

TOKENS = ("access_token", "refresh_token")


def secrets_of(registered: Any, superuser: psycopg.Connection) -> Any:
    row = superuser.execute("SELECT password_hash FROM users WHERE id = %s", (registered.user_id,)).fetchone()
    assert row is not None
    return (*row, registered.password, "password_hash", "token_epoch")


@pytest.fixture
def events(
    *,
    http: Any,
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    change: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
    published: Callable[..., Any],
) -> Any:
    """What identity publishes in the life of an account, as it leaves."""
    ann = register()
    refresh(log_in(ann.email).json["refresh_token"])
    http.post("/v1/auth/email/verify", json={"token": token_of(letters(ann.email)[0])})
    change(ann.headers, ann.password)
    return published(ann.company_id)


def test_every_event_fits_its_contract(events: list[dict[str, Any]], validate_event: Callable[[Any], None]) -> None:
    assert [event["type"].split(".", 1)[1] for event in events] == [
        "company.created.v1",
        "user.created.v1",
        "user_company.created.v1",
        "user.signed_in.v1",
        "user.verified.v1",
        "user_company.updated.v1",
        "user.password_changed.v1",
        "security_event.recorded.v1",
    ]
    for event in events:
        validate_event(event)


def test_every_event_has_exactly_the_fields_of_its_example(events: list[dict[str, Any]], contracts: Contracts) -> None:
    for event in events:
        example = orjson.loads(contracts.example(event["type"]))
        assert event.keys() == example.keys()
        assert event["data"]["after"].keys() == example["data"]["after"].keys()


def test_no_secret_leaves_in_an_event(
    *,
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    refresh: Callable[..., Any],
    change: Callable[..., Any],
    link: Callable[..., Any],
    reset: Callable[..., Any],
    letters: Callable[..., Any],
    token_of: Callable[..., Any],
    superuser: psycopg.Connection,
) -> None:
    ann = register()
    tokens = [ann.answer, log_in(ann.email).json, refresh(ann.answer["refresh_token"]).json]
    change(ann.headers, ann.password, "a canary that sings")
    sent = [token_of(letters(ann.email)[0]), link(ann.email)]
    reset(sent[1], "a canary that flies")
    bodies = superuser.execute("SELECT body FROM outbox WHERE company_id = %s", (ann.company_id,)).fetchall()
    text = "".join(bytes(body).decode() for (body,) in bodies)
    assert "crm.user.password_changed.v1" in text
    # The name of that event is no secret.
    text = text.replace("password_changed", "").replace("password_reset", "").replace("password_forgotten", "")
    secrets = (*secrets_of(ann, superuser), *(token[name] for token in tokens for name in TOKENS), *sent, "canary")
    for secret in secrets:
        assert secret not in text


def test_no_secret_leaves_in_an_answer(http: Any, register: Callable[..., Any], superuser: psycopg.Connection) -> None:
    ann = register()
    text = orjson.dumps(ann.answer).decode() + http.get("/v1/auth/me", headers=ann.headers).text
    for secret in secrets_of(ann, superuser):
        assert secret not in text


def test_no_secret_leaves_in_a_log_line(
    register: Callable[..., Any],
    refresh: Callable[..., Any],
    capfd: pytest.CaptureFixture[str],
    superuser: psycopg.Connection,
) -> None:
    ann = register()
    successor = refresh(ann.answer["refresh_token"]).json["refresh_token"]
    refresh(successor)
    refresh(ann.answer["refresh_token"])
    text = "".join(capfd.readouterr())
    assert "session_ended" in text
    for secret in (*secrets_of(ann, superuser), *(ann.answer[name] for name in TOKENS), successor):
        assert secret not in text
