"""Tokens that were good until something was revoked, and what happens while nobody knows what was."""

import os
import time

import pytest

from chassis.testing.tokens import LIFETIME_SECONDS
from gateway import map_files
from gateway.token_rules import LIFE_SECONDS

SID, OTHER_SID = "0195f1a0-0000-7000-8000-000000000001", "0195f1a0-0000-7000-8000-000000000002"
MAPS = {
    map_files.USERS: {"31": 5, "9223372036854775807": 3},
    map_files.SESSIONS: {SID: 1},
    map_files.COMPANIES: {"77": 1},
}


@pytest.fixture(scope="module")
def revoking(run):
    return run(maps=MAPS)


@pytest.fixture(scope="module")
def unsynced(run):
    return run(maps=MAPS, synced=None)


def assert_refused(answer) -> None:
    assert (answer.status, answer.json["code"]) == (401, "invalid_token")
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("WWW-Authenticate") == 'Bearer error="invalid_token"'


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PATCH", "DELETE"])
def test_token_from_before_the_users_epoch_is_refused_for_every_method(revoking, method: str) -> None:
    assert revoking.authorized(method, "/v1/customers", sub="31", ver=4).status == 401
    assert revoking.authorized(method, "/v1/customers", sub="31", ver=5).status == 200


@pytest.mark.parametrize("scope", ["", "customers:read", "a" * 2000])
@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"sub": "31", "ver": 4}, False),
        ({"sub": "31", "ver": 0}, False),
        ({"sub": "31", "ver": 5}, True),
        ({"sub": "31", "ver": 999_999_999}, True),
        ({"sub": "3", "ver": 1}, True),
        ({"sub": "310", "ver": 1}, True),
        ({"sub": "9223372036854775807", "ver": 2}, False),
        ({"sub": "9223372036854775807", "ver": 3}, True),
        ({"sid": SID}, False),
        ({"sid": SID, "sub": "31", "ver": 5}, False),
        ({"sid": OTHER_SID}, True),
        ({"jti": SID}, True),
        ({"company_id": 77}, False),
        ({"company_id": 7}, True),
        ({"company_id": 31, "sub": "77"}, True),
    ],
    ids=str,
)
def test_token_is_judged_by_user_session_and_company(revoking, claims, good: bool, scope: str) -> None:
    answer = revoking.authorized("GET", "/v1/customers", scope=scope, **claims)

    if good:
        assert answer.status == 200
    else:
        assert_refused(answer)


def test_refused_token_reaches_no_service_and_spends_no_share(revoking, stand_in) -> None:
    assert_refused(revoking.authorized("POST", "/v1/customers/revoked", sid=SID))
    assert stand_in.calls["POST /v1/customers/revoked"] == 0


def test_the_log_says_whose_token_was_refused(revoking, wait) -> None:
    revoking.authorized("GET", "/v1/customers", [("X-Request-Id", "refused-1")], company_id=77, sub="31", ver=4)

    wait(lambda: "refused-1" in revoking.log.read_text())
    line = next(line for line in revoking.log.read_text().splitlines() if "refused-1" in line)
    assert '"company_id":"77","user_id":"31"' in line


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
@pytest.mark.parametrize("name", ["unsynced", "stale", "future"])
def test_nothing_is_changed_while_nobody_knows_what_was_revoked(request, run, stand_in, name: str, method: str) -> None:
    gateway = request.getfixturevalue(name)
    path = f"/v1/customers/{name}"

    answer = gateway.authorized(method, path, body=b"{}")

    assert (answer.status, answer.json["code"]) == (503, "revocation_unknown")
    assert answer.header("Content-Type") == "application/problem+json"
    assert answer.header("Retry-After") == "2"
    assert answer.json["request_id"] == answer.header("X-Request-Id")
    assert stand_in.calls[f"{method} {path}"] == 0


@pytest.fixture(scope="module")
def stale(run):
    return run(synced=LIFE_SECONDS)


@pytest.fixture(scope="module")
def future(run):
    return run(synced=-3_600)


def test_reading_goes_on_while_nobody_knows_what_was_revoked_since(unsynced, stale) -> None:
    for gateway in (unsynced, stale):
        assert gateway.authorized("GET", "/v1/customers").status == 200
        assert gateway.authorized("HEAD", "/v1/customers").status == 200
    assert_refused(unsynced.authorized("GET", "/v1/customers", sid=SID))


def test_signing_in_goes_on_while_nobody_knows_what_was_revoked(unsynced) -> None:
    assert unsynced.call("POST", "/v1/auth/login", body=b"{}").status == 200


def test_without_a_token_the_answer_is_the_same_as_ever(unsynced) -> None:
    assert unsynced.call("POST", "/v1/customers").json["code"] == "missing_token"


def test_what_was_known_a_while_ago_is_good_enough_to_change_things(run) -> None:
    gateway = run(synced=LIFE_SECONDS - 60)

    assert gateway.authorized("POST", "/v1/customers", body=b"{}").status == 200


def test_gateway_and_tokens_agree_on_how_long_a_token_lives() -> None:
    assert LIFE_SECONDS == LIFETIME_SECONDS


def test_map_files_are_private_and_replaced_in_one_step(tmp_path) -> None:
    folder = tmp_path / "maps"
    map_files.ensure(folder)
    map_files.write(folder, map_files.USERS, {"7": 2})
    map_files.ensure(folder)

    assert sorted(path.name for path in folder.iterdir()) == sorted(map_files.NAMES)
    assert (folder / map_files.USERS).read_text() == "7 2\n"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder, *folder.iterdir()))
    assert time.time() - (folder / map_files.SYNCED).stat().st_mtime < 60


def test_a_map_file_is_written_although_an_agent_tidies_up_meanwhile(tmp_path, monkeypatch) -> None:
    fsync = os.fsync
    tidied = []

    def tidy_once(descriptor: int) -> None:
        fsync(descriptor)
        if not tidied:
            tidied.append(map_files.tidy(tmp_path))

    monkeypatch.setattr(os, "fsync", tidy_once)
    map_files.write(tmp_path, map_files.USERS, {"7": 2})
    assert [path.name for path in tmp_path.iterdir()] == [map_files.USERS]
    assert (tmp_path / map_files.USERS).read_text() == "7 2\n"
