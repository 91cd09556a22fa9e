"""Passwords: as long for a stranger as for a user, aside from everything else, and never more than is borne."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from chassis.context import Context, acting_as
from chassis.errors import Unavailable
from chassis.testing.waiting import wait_until
from identity.hashing import Hasher, HashingError
from identity.passwords import OF_NETWORK, Passwords


@pytest.fixture
def passwords() -> Any:
    return Passwords(4)


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The hashes that passwords were compared with."""
    seen = []
    real = Hasher.matches

    def matches(hasher: Hasher, secret: bytes, stored: bytes) -> Any:
        seen.append(stored)
        return real(hasher, secret, stored)

    monkeypatch.setattr(Hasher, "matches", matches)
    return seen


class Bench:
    """A comparison that goes on until it is let go; it counts how many go on at a time."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.entered = threading.Semaphore(0)
        self.most = self._now = 0
        self._lock = threading.Lock()

    def compare(self) -> bool:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)
        self.entered.release()
        self.let_go.wait(10)
        with self._lock:
            self._now -= 1
        return True


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    bench = Bench()
    monkeypatch.setattr(Hasher, "matches", lambda *_: bench.compare())
    yield bench
    bench.let_go.set()


def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    stored = passwords.hash(b"correct horse")
    assert stored.startswith("$2b$04$")
    assert passwords.matches("correct horse", stored)
    assert not passwords.matches("correct horsf", stored)


@pytest.mark.parametrize("password", ["\U0001f40e" * 18, " a b\n c ", "1"])
def test_any_password_matches_its_hash(passwords: Passwords, password: str) -> None:
    assert passwords.matches(password, passwords.hash(password.encode()))


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


def test_only_so_many_are_computed_at_once_and_only_so_many_wait(bench: Bench) -> None:
    passwords = Passwords(4, at_once=2, waiting=3)
    with ThreadPoolExecutor(5) as callers:
        five = [callers.submit(passwords.matches, "correct horse", "hash") for _ in range(5)]
        assert bench.entered.acquire(timeout=5)
        assert bench.entered.acquire(timeout=5)
        while passwords._places._value:
            """The other three have yet to take their places."""
        with pytest.raises(Unavailable) as caught:
            passwords.matches("correct horse", "hash")
        assert caught.value.headers["Retry-After"] == "1"
        bench.let_go.set()
        assert [result.result(5) for result in five] == [True] * 5
    assert bench.most == 2
    assert passwords.matches("correct horse", "hash")


@pytest.mark.parametrize(
    ("caller", "share"),
    [
        (Context(company_id=1, user_id=7, client_ip="192.0.2.1"), 1),
        (Context(company_id=None, user_id=None, client_ip="192.0.2.1"), OF_NETWORK),
    ],
    ids=["a user", "a network"],
)
def test_nobody_has_more_than_a_share_of_the_places(bench: Bench, caller: Context, share: int) -> None:
    passwords = Passwords(4, at_once=2, waiting=8)

    def compare(context: Context) -> bool:
        with acting_as(context):
            return passwords.matches("correct horse", "hash")

    with ThreadPoolExecutor(share + 1) as callers:
        taken = [callers.submit(compare, caller) for _ in range(share)]
        # They have yet to take their places.
        wait_until(lambda: sum(passwords._taken.values()) >= share)
        with pytest.raises(Unavailable) as caught:
            compare(caller)
        assert caught.value.code == "busy"
        other = callers.submit(compare, replace(caller, user_id=8, client_ip="192.0.2.2"))
        bench.let_go.set()
        assert [result.result(5) for result in (*taken, other)] == [True] * (share + 1)
    assert not passwords._taken


def test_a_few_networks_leave_places_to_others(bench: Bench) -> None:
    passwords = Passwords(4, at_once=2, waiting=10, patience=60)
    crowd = [f"192.0.2.{number}" for number in range(1, 5)]
    others = [f"198.51.100.{number}" for number in range(1, 4)]

    def compare(address: str) -> bool:
        with acting_as(Context(client_ip=address)):
            return passwords.matches("correct horse", "hash")

    with ThreadPoolExecutor(60) as callers:
        asked = [callers.submit(compare, address) for address in crowd * 10]
        let_in = 0
        # Those who are refused hear it at once, the others wait.
        while sum(one.done() for one in asked) + let_in < len(asked):
            let_in = sum(passwords._taken.values())
        assert let_in <= 9
        waiting = [callers.submit(compare, address) for address in others]
        while sum(passwords._taken.values()) < let_in + len(others):
            assert not any(one.done() for one in waiting)
        bench.let_go.set()
        assert [one.result(5) for one in waiting] == [True] * len(others)
        assert {type(one.exception()) for one in asked} == {type(None), Unavailable}
    assert not passwords._taken


def test_whoever_waits_too_long_is_sent_away_and_leaves_no_place_taken(bench: Bench) -> None:
    passwords = Passwords(4, at_once=1, waiting=1, patience=0.05)
    with ThreadPoolExecutor(1) as callers:
        first = callers.submit(passwords.matches, "correct horse", "hash")
        assert bench.entered.acquire(timeout=5)
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                passwords.matches("correct horse", "hash")
            assert caught.value.headers["Retry-After"] == "1"
        bench.let_go.set()
        assert first.result(5) is True
    assert bench.most == 1
    assert passwords.matches("correct horse", "hash")


def test_what_fails_leaves_no_place_taken(passwords: Passwords, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        with pytest.raises(ValueError, match="no bcrypt hash"):
            passwords.matches("correct horse", "no hash at all")

    def fail(*_: object) -> bool:
        raise HashingError

    monkeypatch.setattr(Hasher, "matches", fail)
    for _ in range(20):
        with pytest.raises(Unavailable):
            passwords.matches("correct horse", "hash")
