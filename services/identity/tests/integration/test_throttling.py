"""Guessing: counted by account and by network, answered ever later, and no quicker for who does not exist (S14)."""

import math
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import psycopg
import pytest

from chassis.db.session import Database
from chassis.web.application import ServiceApplication
from identity.app import SERVICE
from identity.hashing import Hasher
from identity.keys import IdentitySettings
from identity.wsgi import trust_own_keys

WRONG = "wrong horse battery"
_networks = (f"10.200.{number // 250}.{number % 250 + 1}" for number in count())


@pytest.fixture
def guess(http: Any) -> Any:
    """Sign in, from the test's own network or from another one."""

    def post(email: str, password: str = WRONG, network: str | None = None) -> Any:
        base = {"REMOTE_ADDR": network} if network else {}
        return http.post("/v1/auth/login", json={"email": email, "password": password}, environ_overrides=base)

    return post


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> Any:
    """One entry for each comparison of a password with a hash."""
    seen: list[bytes] = []
    real = Hasher.matches

    def matches(hasher: Hasher, secret: bytes, stored: bytes) -> Any:
        seen.append(stored[:7])
        return real(hasher, secret, stored)

    monkeypatch.setattr(Hasher, "matches", matches)
    return seen


def counted(statuses: list[int], seconds: float, free: int) -> bool:
    """Whether no more guesses were judged than the doubling delay lets through in that time."""
    return statuses.count(401) <= free + 1 + math.log2(seconds + 1) + 1


def test_the_fourth_failure_starts_a_delay_that_doubles_up_to_a_minute(
    register: Callable[..., Any], guess: Callable[..., Any], later: Callable[..., Any]
) -> None:
    ann = register()
    assert [guess(ann.email).status_code for _ in range(4)] == [401] * 4
    delays = []
    for _ in range(9):
        response = guess(ann.email)
        assert (response.status_code, response.json["code"]) == (429, "too_many_attempts")
        delays.append(int(response.headers["Retry-After"]))
        later(f"{delays[-1]} seconds")
        assert guess(ann.email, network=next(_networks)).status_code == 401
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_who_is_throttled_is_answered_before_a_password_is_compared(
    register: Callable[..., Any], guess: Callable[..., Any], comparisons: list[bytes]
) -> None:
    ann = register()
    for _ in range(4):
        guess(ann.email)
    assert guess(ann.email, ann.password).status_code == 429
    assert len(comparisons) == 4


def test_the_right_password_after_the_delay_forgets_the_failures(
    register: Callable[..., Any], guess: Callable[..., Any], later: Callable[..., Any]
) -> None:
    ann = register()
    for _ in range(4):
        guess(ann.email)
    later("1 second")
    assert guess(ann.email, ann.password).status_code == 200
    assert [guess(ann.email).status_code for _ in range(5)] == [401] * 4 + [429]


def test_trying_while_blocked_makes_the_delay_no_longer(
    register: Callable[..., Any], guess: Callable[..., Any], later: Callable[..., Any]
) -> None:
    ann = register()
    for _ in range(30):
        guess(ann.email)
    later("1 second")
    assert guess(ann.email, ann.password).status_code == 200


def test_an_unknown_account_is_throttled_like_a_known_one(
    register: Callable[..., Any], guess: Callable[..., Any]
) -> None:
    ann = register()
    answers = [
        [(r.status_code, r.json["code"], r.json["detail"], r.headers.get("Retry-After")) for r in given]
        for given in ([guess(email) for _ in range(6)] for email in (ann.email, f"nobody-{ann.email}"))
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("spell", [str.upper, lambda text: text.replace("k", "\u212a")])
def test_no_spelling_of_an_address_has_guesses_of_its_own(
    register: Callable[..., Any], guess: Callable[..., Any], spell: Callable[[str], str]
) -> None:
    ann = register(email=f"kim-{time.time_ns()}@acme.example")
    for _ in range(4):
        guess(ann.email)
    # Either it is the same address, and blocked, or it is nobody's.
    response = guess(spell(ann.email), ann.password)
    assert response.status_code == 429 or (response.status_code == 401 and not spell(ann.email).isascii())


def test_many_accounts_from_one_network_are_throttled_and_other_networks_are_not(
    register: Callable[..., Any], guess: Callable[..., Any], later: Callable[..., Any]
) -> None:
    ann = register()
    began = time.monotonic()
    statuses = [guess(f"{number}-{ann.email}").status_code for number in range(40)]
    assert statuses[:21] == [401] * 21
    assert counted(statuses, time.monotonic() - began, free=20)
    assert guess(ann.email, ann.password).status_code == 429
    assert guess(ann.email, ann.password, network=next(_networks)).status_code == 200
    later("1 minute")
    assert guess(ann.email, ann.password).status_code == 200


def test_an_ipv6_subscriber_is_one_network(register: Callable[..., Any], guess: Callable[..., Any]) -> None:
    ann = register()
    prefix = f"2001:db8:{time.time_ns() % 65536:x}:{time.time_ns() // 65536 % 65536:x}"
    statuses = [guess(f"v6-{n}-{ann.email}", network=f"{prefix}::{n + 1:x}").status_code for n in range(22)]
    assert statuses == [401] * 21 + [429]


def test_a_success_does_not_forgive_the_network(register: Callable[..., Any], guess: Callable[..., Any]) -> None:
    """Else a guesser would sign in to an account of their own in between."""
    ann = register()
    for number in range(20):
        guess(f"{number}-{ann.email}")
    assert guess(ann.email, ann.password).status_code == 200
    assert guess(f"20-{ann.email}").status_code == 401
    assert guess(f"21-{ann.email}").status_code == 429


def test_a_thousand_guesses_are_hardly_any(
    register: Callable[..., Any], guess: Callable[..., Any], comparisons: list[bytes]
) -> None:
    """From a thousand networks, so that the account's own throttle has to hold."""
    ann = register()
    began = time.monotonic()
    statuses = [guess(ann.email, f"guess {number}", network=next(_networks)).status_code for number in range(1000)]
    assert set(statuses) == {401, 429}
    assert counted(statuses, time.monotonic() - began, free=3)
    assert len(comparisons) == statuses.count(401)


def test_guesses_at_the_same_time_are_judged_as_if_they_came_one_by_one(
    register: Callable[..., Any], at_once: Callable[..., Any]
) -> None:
    ann = register()
    began = time.monotonic()
    responses = at_once("/v1/auth/login", [{"email": ann.email, "password": f"guess {n}"} for n in range(20)])
    statuses = [response.status_code for response in responses]
    # 503: more at once than may wait for a hash.
    assert set(statuses) <= {401, 429, 503}
    assert counted(statuses, time.monotonic() - began, free=3)


def test_a_right_guess_among_many_at_once_is_not_told_from_a_wrong_one(
    register: Callable[..., Any], guess: Callable[..., Any], authority: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the password is compared, others use up what was free; then it is too late to be right."""
    ann = register()
    real = authority.passwords.matches

    def matches(password: str, stored: str | None) -> Any:
        if password == ann.password:
            for _ in range(4):
                assert guess(ann.email, network=next(_networks)).status_code == 401
        return real(password, stored)

    monkeypatch.setattr(type(authority.passwords), "matches", lambda _, password, stored: matches(password, stored))
    assert guess(ann.email, ann.password).status_code == 429


def test_failures_of_a_known_account_reach_its_companys_audit_log_and_no_others(
    register: Callable[..., Any],
    guess: Callable[..., Any],
    answer: Callable[..., Any],
    published: Callable[..., Any],
    network: str,
) -> None:
    ann = register()
    answer()
    before = len(published(ann.company_id))
    guess(ann.email)
    guess(f"nobody-{ann.email}")
    assert answer() == 2
    (event,) = published(ann.company_id)[before:]
    assert event["type"] == "crm.security_event.recorded.v1"
    assert (event["actor"], event["actorip"]) == (None, network)
    after = event["data"]["after"]
    assert (after["kind"], after["user_id"], after["detail"]) == ("sign_in_failed", ann.user_id, {})


def test_the_event_names_the_request_that_failed(
    http: Any, register: Callable[..., Any], answer: Callable[..., Any], published: Callable[..., Any]
) -> None:
    ann = register()
    http.post(
        "/v1/auth/login",
        json={"email": ann.email, "password": WRONG},
        headers={"X-Request-Id": "request-of-a-guess", "User-Agent": "guesser/1"},
    )
    answer()
    event = published(ann.company_id)[-1]
    assert (event["correlationid"], event["useragent"]) == ("request-of-a-guess", "guesser/1")


@pytest.mark.parametrize(
    "password",
    [
        "a" * 73,
        "a" * (256 * 1024 - 200),
        "a" + "\u0301\u0316" * 20_000,
        "nul\x00",
        "\x00",
        "\U0001f511" * 19,
        "\U0001f511",
        "",
    ],
    ids=["73 bytes", "256 KiB", "accents without end", "NUL at the end", "NUL", "emoji", "one emoji", "empty"],
)
def test_no_password_makes_a_server_error(
    register: Callable[..., Any], guess: Callable[..., Any], password: str
) -> None:
    ann = register()
    response = guess(ann.email, password)
    assert (response.status_code, response.json["code"]) == (401, "invalid_credentials")


def test_a_failure_is_not_counted_when_the_server_fails(
    register: Callable[..., Any],
    guess: Callable[..., Any],
    authority: Any,
    monkeypatch: pytest.MonkeyPatch,
    superuser: psycopg.Connection,
) -> None:
    ann = register()
    rows = superuser.execute("SELECT count(*) FROM login_throttles").fetchone()
    monkeypatch.setattr(authority.passwords, "_places", Full())
    response = guess(ann.email)
    assert (response.status_code, response.json["code"]) == (503, "busy")
    assert response.headers["Retry-After"] == "1"
    assert superuser.execute("SELECT count(*) FROM login_throttles").fetchone() == rows


class Full:
    """No place to wait in."""

    def acquire(self, **_: bool) -> bool:
        return False


def test_known_and_unknown_accounts_take_the_same_statements(
    register: Callable[..., Any], guess: Callable[..., Any], statements: list[str]
) -> None:
    ann = register()
    taken = []
    for email in (ann.email, f"nobody-{ann.email}"):
        statements.clear()
        guess(email)
        taken.append(list(statements))
    assert taken[0] == taken[1]
    assert len(taken[0]) >= 4


@pytest.fixture
def costly(settings: IdentitySettings, database: Database) -> Any:
    """Identity with a bcrypt cost at which the comparison is most of a sign-in."""
    app = ServiceApplication(SERVICE, replace(settings, bcrypt_cost=8), database)
    trust_own_keys(app)
    app.extensions["identity"].keys.ensure()
    return app.test_client()


def test_known_and_unknown_accounts_take_the_same_time(
    costly: Any, body: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    """Medians of pairs in turn, of as many more as a machine that is busy with something else calls for."""
    document = body()
    assert costly.post("/v1/auth/register", json=document).status_code == 201
    known, unknown = document["user"]["email"], "nobody-" + document["user"]["email"]

    def seconds(email: str) -> float:
        network = {"REMOTE_ADDR": next(_networks)}
        began = time.perf_counter()
        response = costly.post("/v1/auth/login", json={"email": email, "password": WRONG}, environ_overrides=network)
        took = time.perf_counter() - began
        assert response.status_code == 401
        return took

    taken: dict[str, list[float]] = {known: [], unknown: []}
    ratio = 0.0
    for number in range(400):
        if number % 3 == 0:
            superuser.execute("DELETE FROM login_throttles")
        for email in (known, unknown) if number % 2 else (unknown, known):
            taken[email].append(seconds(email))
        ratio = statistics.median(taken[known]) / statistics.median(taken[unknown])
        if number >= 80 and abs(ratio - 1) < 0.05:
            return
    pytest.fail(f"a known account takes {ratio:.3f} times as long as an unknown one")
