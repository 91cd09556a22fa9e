"""Tokens at a service directly: the same battery and the same verdicts as at the gateway (reliability S5, S6)."""

import time
from urllib.request import urlopen

import orjson
import pytest

from chassis.errors import Forbidden, Unauthenticated, Unavailable
from chassis.testing.token_battery import battery
from chassis.testing.tokens import TokenFactory
from chassis.web import keys
from chassis.web.auth import ANYBODY, Principal, TokenVerifier, check_permission, own_only
from chassis.web.keys import KeySet


@pytest.fixture
def verifier(jwks_url):
    return TokenVerifier(KeySet(jwks_url), issuer="crm", audience="crm")


@pytest.mark.parametrize("case", battery(), ids=str)
def test_the_battery_gets_the_gateways_verdict(verifier, tokens, case):
    header = case.authorization(tokens)
    if case.accepted:
        assert verifier.verify(header).user_id > 0
    else:
        with pytest.raises(Unauthenticated):
            verifier.verify(header)


def test_a_remembered_token_still_expires(verifier, tokens):
    # A token expires at a full second: one more than that, or it might expire at once.
    expires = int(time.time()) + 2
    token = tokens.sign(exp=expires)
    verifier.verify(f"Bearer {token}")
    time.sleep(expires - time.time() + 0.1)
    with pytest.raises(Unauthenticated):
        verifier.verify(f"Bearer {token}")


@pytest.fixture
def fetches(monkeypatch):
    """The URLs from which keys were fetched."""
    seen = []

    def fetch(url, **options):
        seen.append(url)
        return urlopen(url, **options)  # noqa: S310  # The URL is the test's own.

    monkeypatch.setattr(keys, "urlopen", fetch)
    return seen


def test_a_token_of_an_unknown_key_is_refused_without_a_fetch_each(jwks_url, fetches):
    verifier = TokenVerifier(KeySet(jwks_url), issuer="crm", audience="crm")
    stranger = TokenFactory("stranger")
    began = time.monotonic()
    for _ in range(200):
        with pytest.raises(Unauthenticated):
            verifier.verify(f"Bearer {stranger.sign()}")
    # One in five seconds.
    assert 1 <= len(fetches) <= 1 + (time.monotonic() - began) / 5


def test_keys_are_read_again_after_ten_minutes_so_that_one_taken_out_is_refused(tokens, tmp_path, fetches):
    path = tmp_path / "jwks.json"
    path.write_bytes(orjson.dumps(tokens.jwks))
    key_set = KeySet(path.as_uri())
    assert key_set.find(tokens.kid)
    path.write_bytes(orjson.dumps(TokenFactory("next").jwks))
    for seconds, expected in ((590, True), (20, False)):
        key_set._fetched_at -= seconds
        key_set._tried_at -= seconds
        assert (key_set.find(tokens.kid) is not None) is expected
    assert len(fetches) == 2


def test_without_any_key_the_answer_is_to_come_again(tokens, tmp_path):
    verifier = TokenVerifier(KeySet((tmp_path / "none.json").as_uri()), issuer="crm", audience="crm")
    with pytest.raises(Unavailable):
        verifier.verify(f"Bearer {tokens.sign()}")


@pytest.mark.parametrize(
    ("scope", "permission", "allowed", "confined"),
    [
        ("deals:read", "deals:read", True, False),
        ("deals:read:own", "deals:read", True, True),
        ("deals:read deals:read:own", "deals:read", True, False),
        ("deals:read deals:write", "deals:write", True, False),
        ("deals:read:own deals:write", "deals:write", True, True),
        ("deals:write", "deals:write", True, True),
        ("deals:write tasks:read", "deals:write", True, True),
        ("deals:read:own", "deals:write", False, True),
        ("deals:read", "deals:read:own", False, False),
        ("", "deals:read", False, True),
        ("", ANYBODY, True, False),
    ],
)
def test_a_scope_opens_routes_and_says_how_far_they_reach(scope, permission, allowed, confined):
    principal = Principal(7, 42, "user", frozenset(scope.split()), "sid", 0)
    if allowed:
        check_permission(principal, permission)
    else:
        with pytest.raises(Forbidden, match="permission_missing"):
            check_permission(principal, permission)
    assert own_only(principal, permission) is confined
