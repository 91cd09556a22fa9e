"""Hashing: as long for a stranger as for a user, and never more at a time than the process can bear."""

import threading
from typing import Any

import bcrypt
import pytest

from chassis.errors import Unavailable
from identity.passwords import Passwords


@pytest.fixture
def passwords() -> Any:
    return Passwords(4)


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The hashes that passwords were compared with."""
    seen = []
    real = bcrypt.checkpw

    def checkpw(secret: bytes, hashed: bytes) -> Any:
        seen.append(hashed)
        return real(secret, hashed)

    monkeypatch.setattr(bcrypt, "checkpw", checkpw)
    return seen


def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    stored = passwords.hash(b"correct horse")
    assert passwords.matches("correct horse", stored)
    assert not passwords.matches("correct horsf", stored)


def test_an_emoji_password_matches_its_hash(passwords: Passwords) -> None:
    assert passwords.matches("\U0001f40e" * 18, passwords.hash(("\U0001f40e" * 18).encode()))


@pytest.mark.parametrize(
    ("password", "known"),
    [("correct horse", False), ("a" * 73, True), ("nul\x00 nul nul", True), ("\ud800lonely half", True), ("", True)],
)
def test_what_cannot_match_costs_one_comparison_of_the_same_cost(
    passwords: Passwords, comparisons: list[bytes], password: str, known: bool
) -> None:
    stored = passwords.hash(b"correct horse") if known else None
    assert not passwords.matches(password, stored)
    assert len(comparisons) == 1
    assert comparisons[0].startswith(b"$2b$04$")


def test_an_empty_password_does_not_match_nobodys_hash(comparisons: list[bytes]) -> None:
    assert not Passwords(4).matches("", None)
    assert len(comparisons) == 1


def test_whoever_waits_too_long_is_sent_away_with_retry_after() -> None:
    passwords = Passwords(4, at_once=1, patience=0.01)
    entered, leave = threading.Event(), threading.Event()

    def occupy() -> Any:
        with passwords._slot():
            entered.set()
            leave.wait(5)

    holder = threading.Thread(target=occupy)
    holder.start()
    entered.wait(5)
    with pytest.raises(Unavailable) as caught:
        passwords.matches("correct horse", None)
    leave.set()
    holder.join()
    assert caught.value.headers["Retry-After"] == "1"
    assert not passwords.matches("correct horse", None)
