"""Known devices: whoever guesses from elsewhere keeps nobody out where they have signed in before."""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from identity.commands import devices
from identity.rules import DEVICE_LIFE

WRONG = "wrong horse battery"
_networks = (f"10.201.{number // 250}.{number % 250 + 1}" for number in count())


@pytest.fixture
def sign_in(http: Any) -> Any:
    """Sign in, from a network of its own each time unless one is named."""

    def post(email: str, password: str, device: str | None = None, network: str | None = None) -> Any:
        body = {"email": email, "password": password, "device_token": device}
        return http.post("/v1/auth/login", json=body, environ_overrides={"REMOTE_ADDR": network or next(_networks)})

    return post


def block(sign_in: Callable[..., Any], email: str) -> None:
    """Guess from many networks until the account is refused to everybody that it does not know."""
    while sign_in(email, WRONG).status_code != 429:
        pass


def test_who_was_here_before_signs_in_while_others_guess(
    register: Callable[..., Any], sign_in: Callable[..., Any]
) -> None:
    ann = register()
    tokens = [ann.answer["device_token"], sign_in(ann.email, ann.password).json["device_token"]]
    block(sign_in, ann.email)
    assert sign_in(ann.email, ann.password).status_code == 429
    for token in tokens:
        answer = sign_in(ann.email, ann.password, token)
        assert answer.status_code == 200
        # What it is known by goes on from there.
        assert sign_in(ann.email, ann.password, answer.json["device_token"]).status_code == 200


def test_nobody_in_the_same_network_keeps_a_known_device_out(
    register: Callable[..., Any], sign_in: Callable[..., Any]
) -> None:
    ann, network = register(), next(_networks)
    while sign_in(f"nobody-{time.time_ns()}@acme.example", WRONG, network=network).status_code != 429:
        pass
    assert sign_in(ann.email, ann.password, network=network).status_code == 429
    assert sign_in(ann.email, ann.password, ann.answer["device_token"], network=network).status_code == 200


def test_guesses_with_a_devices_token_are_counted_for_it_alone(
    register: Callable[..., Any], sign_in: Callable[..., Any], later: Callable[..., Any]
) -> None:
    ann = register()
    device = ann.answer["device_token"]
    assert [sign_in(ann.email, WRONG, device).status_code for _ in range(5)] == [401] * 4 + [429]
    answer = sign_in(ann.email, ann.password, device)
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (429, "too_many_attempts", "1")
    elsewhere = sign_in(ann.email, ann.password)
    assert elsewhere.status_code == 200
    assert sign_in(ann.email, ann.password, elsewhere.json["device_token"]).status_code == 200
    later("1 second")
    # The same device by a newer token: it has no guesses more.
    newer = sign_in(ann.email, ann.password, device).json["device_token"]
    statuses = [sign_in(ann.email, WRONG, token).status_code for token in (device, newer, device, newer, device)]
    assert statuses == [401] * 4 + [429]


def test_what_is_no_token_of_this_address_is_none(register: Callable[..., Any], sign_in: Callable[..., Any]) -> None:
    ann, eve = register(), register()
    good = ann.answer["device_token"]
    of_another_device = urlsafe_b64encode(bytes(16) + urlsafe_b64decode(good + "==")[16:]).decode()
    signed_otherwise = good[:10] + ("A" if good[10] != "A" else "B") + good[11:]
    spoiled = [eve.answer["device_token"], of_another_device, signed_otherwise, "", "A", "\u00e4" * 75, "A" * 75]
    assert [sign_in(ann.email, ann.password, token).status_code for token in spoiled] == [200] * len(spoiled)
    block(sign_in, ann.email)
    assert [sign_in(ann.email, ann.password, token).status_code for token in spoiled] == [429] * len(spoiled)
    assert sign_in(ann.email, ann.password, good).status_code == 200


def test_a_token_says_nothing_of_whether_there_is_an_account(
    register: Callable[..., Any], sign_in: Callable[..., Any], statements: list[str]
) -> None:
    ann = register()
    taken = []
    for email in (f"nobody-{ann.email}", ann.email):
        # Of an address without an account there can be no token; what somebody makes up counts as none for either.
        for token in ("A" * 75, None):
            statements.clear()
            answer = sign_in(email, WRONG, token)
            taken.append((answer.status_code, answer.json["detail"], *statements))
    assert len(set(taken)) == 1
    assert len(statements) >= 4


def test_a_device_is_known_for_a_time(authority: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    token = devices.device_token(authority, "ann@acme.example")
    assert devices.find_device(authority, "Ann@Acme.example", token) is not None
    for moved, known in ((DEVICE_LIFE.total_seconds() - 60, True), (DEVICE_LIFE.total_seconds() + 60, False)):
        monkeypatch.setattr(time, "time", lambda moved=moved: now + moved)
        assert (devices.find_device(authority, "ann@acme.example", token) is not None) is known
