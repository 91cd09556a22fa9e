"""Passwords and refresh tokens, decided without a database."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chassis.errors import Invalid
from identity import rules
from identity.rules import Refresh, RefreshState

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
FRESH = RefreshState(
    now=NOW,
    session_ends=NOW + timedelta(days=90),
    ended_at=None,
    expires_at=NOW + timedelta(days=14),
    used_at=None,
    successor_used_at=None,
)


def used(seconds_ago: float, *, successor_used: bool = False) -> RefreshState:
    return replace(
        FRESH,
        used_at=NOW - timedelta(seconds=seconds_ago),
        successor_used_at=NOW - timedelta(seconds=1) if successor_used else None,
    )


def test_composed_and_decomposed_accents_are_one_password() -> None:
    assert rules.check_new_password("caf\u00e9-creme") == rules.check_new_password("cafe\u0301-creme")


@pytest.mark.parametrize("password", ["a" * 72, "\u00e9" * 36, "\U0001f511" * 18, "        ", "12345678"])
def test_passwords_up_to_72_bytes_are_taken(password: str) -> None:
    assert rules.check_new_password(password) == password.encode()


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("a" * 73, "password_too_long"),
        ("\u00e9" * 37, "password_too_long"),
        ("\U0001f511" * 19, "password_too_long"),
        ("a" * 1_000_000, "password_too_long"),
        ("1234567", "password_too_short"),
        ("e\u0301" * 7, "password_too_short"),
        ("", "password_too_short"),
        ("12345678\x00", "password_invalid"),
        ("12345678\ud800", "password_invalid"),
    ],
)
def test_other_passwords_are_refused_with_their_reason(password: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        rules.check_new_password(password)
    assert caught.value.code == code
    assert caught.value.errors[0].pointer == "/user/password"


def test_a_successor_needs_both_the_token_and_the_nonce() -> None:
    successor = rules.successor_of("token", b"nonce")
    assert len(successor) == 32
    assert successor == rules.successor_of("token", b"nonce")
    assert successor != rules.successor_of("tokem", b"nonce")
    assert successor != rules.successor_of("token", b"nonde")


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        (FRESH, Refresh.ROTATE),
        (used(1), Refresh.REPEAT),
        (used(20), Refresh.REPEAT),
        (used(20.001), Refresh.REUSED),
        (used(1, successor_used=True), Refresh.REUSED),
        (replace(FRESH, expires_at=NOW), Refresh.EXPIRED),
        (replace(FRESH, session_ends=NOW), Refresh.EXPIRED),
        (replace(FRESH, ended_at=NOW - timedelta(days=1)), Refresh.EXPIRED),
        (replace(used(1), ended_at=NOW), Refresh.EXPIRED),
        (replace(used(86_400 * 15), expires_at=NOW - timedelta(days=1)), Refresh.REUSED),
    ],
)
def test_a_refresh_token_is_judged_by_its_state(state: RefreshState, verdict: Refresh) -> None:
    assert rules.judge_refresh(state) is verdict


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("Ann@Acme.Example", "ann@acme.example"),
        ("\u212aim@acme.example", "?im@acme.example"),
        ("\u0130da@acme.example", "?da@acme.example"),
        ("", ""),
    ],
)
def test_an_address_is_compared_in_small_ascii_letters(written: str, normal: str) -> None:
    assert rules.normal_address(written) == normal


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("not an address", "not an address"),
        (None, ""),
    ],
)
def test_an_address_stands_for_its_network(address: str | None, network: str) -> None:
    assert rules.network_of(address) == network


def test_a_password_of_accents_is_refused_at_once() -> None:
    """Putting them into order would take minutes."""
    accents = "a" + "\u0301\u0316" * 250_000
    began = time.process_time()
    assert rules.password_bytes(accents) is None
    with pytest.raises(Invalid) as caught:
        rules.check_new_password(accents)
    assert caught.value.code == "password_too_long"
    assert time.process_time() - began < 1


def test_a_password_that_is_short_enough_once_it_is_composed_is_taken() -> None:
    # Three characters become one, of three bytes: the most that composing saves.
    assert rules.check_new_password("\u1112\u1161\u11ab" * 24) == "\ud55c".encode() * 24
    assert rules.check_new_password("\u03b1\u0313\u0301\u0345" * 24) == "\u1f84".encode() * 24
