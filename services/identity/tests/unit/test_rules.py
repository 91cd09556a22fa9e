"""Roles, passwords and refresh tokens, decided without a database."""

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


def test_every_role_has_permissions() -> None:
    assert set(rules.SCOPES) == set(rules.ROLES)
    assert all(rules.SCOPES[role] for role in rules.ROLES)


@pytest.mark.parametrize(
    ("role", "may_audit", "may_write"),
    [
        ("super_admin", True, True),
        ("admin", True, True),
        ("manager", True, True),
        ("sales_rep", False, True),
        ("user", False, False),
    ],
)
def test_roles_differ_in_what_they_may(role: str, may_audit: bool, may_write: bool) -> None:
    permissions = rules.permissions_of(role, None)
    assert ("audit:read" in permissions) is may_audit
    assert ("customers:write" in permissions) is may_write
    assert "customers:read" in permissions


def test_a_user_only_reads_customers() -> None:
    assert rules.permissions_of("user", None) == {"customers:read"}


def test_a_grant_adds_and_a_revoke_beats_it() -> None:
    custom = {"grant": ["audit:read", "customers:write"], "revoke": ["audit:read"]}
    assert rules.permissions_of("user", custom) == {"customers:read", "customers:write"}


def test_a_grant_of_an_unknown_permission_is_ignored() -> None:
    assert rules.permissions_of("user", {"grant": ["root:everything", '","role":"admin']}) == {"customers:read"}


def test_equal_permissions_make_equal_scopes() -> None:
    assert rules.scope_of(rules.SCOPES["sales_rep"]) == "companies:read customers:read customers:write users:read"


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
