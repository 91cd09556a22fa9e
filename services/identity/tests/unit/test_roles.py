"""Who may do what: the roles of roles.toml, custom permissions, visibility, and what an API key is left with."""

import re
import tomllib
from importlib.resources import files

import pytest

from identity import rules

OWN_ACCOUNT = {"account:read", "account:write"}
LOOKING = OWN_ACCOUNT | {"members:read", "customers:read", "leads:read", "deals:read", "tasks:read", "activities:read"}
SELLING = LOOKING | {"companies:read", "users:read", "customers:write", "leads:write", "deals:write"}
SELLING |= {"tasks:write", "activities:write"}
DATA = tomllib.loads(files("identity").joinpath("roles.toml").read_text())


def test_the_five_roles_hold_what_they_are_meant_to() -> None:
    """Written out here once more, so that a change of the data is two deliberate changes."""
    manager = SELLING | {"views:share", "audit:read", "customers:import", "customers:export"}
    manager |= {"leads:import", "leads:export", "deals:export", "deals:import"}
    manager |= {"tasks:export", "activities:export", "activities:write:all"}
    admin = manager | {"companies:write", "users:write", "api_keys:read", "api_keys:write", "customers:purge"}
    admin |= {"leads:purge", "deals:purge", "pipelines:write"}
    admin |= {"tasks:purge", "activities:purge", "users:purge", "companies:purge"}
    assert {
        "super_admin": admin | {"platform:companies"},
        "admin": admin,
        "manager": manager,
        "sales_rep": SELLING,
        "user": LOOKING,
    } == rules.SCOPES


def test_the_file_names_only_permissions_that_it_describes() -> None:
    named = [*DATA["own"], *DATA["fixed"]["permissions"], *DATA["keyless"]["permissions"]]
    for role in DATA["roles"].values():
        named += role["permissions"]
    assert set(named) - set(rules.PERMISSIONS) == set()
    assert all(text.endswith(".") for text in rules.PERMISSIONS.values())


def test_every_permission_is_held_by_somebody() -> None:
    assert frozenset().union(*rules.SCOPES.values()) == set(rules.PERMISSIONS)


def test_every_scope_fits_into_a_token() -> None:
    for role in rules.ROLES:
        assert re.fullmatch(r"[a-z:_ -]{0,2000}", rules.scope_of(rules.SCOPES[role]))


def test_every_role_keeps_its_own_account() -> None:
    for role in rules.ROLES:
        assert rules.permissions_of(role, {"revoke": sorted(OWN_ACCOUNT)}) >= OWN_ACCOUNT


def test_a_grant_adds_and_a_revoke_beats_it() -> None:
    custom = {"grant": ["audit:read", "customers:write"], "revoke": ["audit:read"]}
    assert rules.permissions_of("user", custom) == LOOKING | {"customers:write"}


@pytest.mark.parametrize("strange", ["root:everything", '","role":"admin', "platform:companies", "customers:read:own"])
def test_a_grant_of_what_is_nobodys_to_give_is_ignored(strange: str) -> None:
    assert rules.permissions_of("user", {"grant": [strange]}) == rules.SCOPES["user"]


def test_a_company_cannot_take_the_platform_away() -> None:
    assert "platform:companies" in rules.permissions_of("super_admin", {"revoke": ["platform:companies"]})


@pytest.mark.parametrize("role", ["sales_rep", "user"])
def test_visibility_own_narrows_who_sells(role: str) -> None:
    narrowed = rules.permissions_of(role, None, "own")
    assert not narrowed & set(rules.OWN)
    assert narrowed - set(rules.OWN.values()) == rules.SCOPES[role] - set(rules.OWN)


@pytest.mark.parametrize("role", ["manager", "admin", "super_admin"])
def test_visibility_own_leaves_who_leads_alone(role: str) -> None:
    assert rules.permissions_of(role, None, "own") == rules.SCOPES[role]


@pytest.mark.parametrize("role", rules.ROLES)
def test_who_is_confined_to_their_own_does_not_read_of_others_in_the_audit_log(role: str) -> None:
    held = rules.permissions_of(role, None, "own")
    assert not ("customers:read:own" in held and "audit:read" in held)


def test_a_grant_lifts_visibility_own_for_one_member() -> None:
    assert rules.permissions_of("user", {"grant": sorted(rules.OWN)}, "own") == rules.SCOPES["user"]


def test_a_revoke_takes_the_narrowed_permission_too() -> None:
    assert rules.permissions_of("user", {"revoke": sorted(rules.OWN)}, "own") == OWN_ACCOUNT | {"members:read"}


def test_equal_permissions_make_equal_scopes() -> None:
    scope = "account:read account:write activities:read activities:write companies:read customers:read customers:write"
    scope += " deals:read deals:write leads:read leads:write members:read tasks:read tasks:write users:read"
    assert rules.scope_of(rules.SCOPES["sales_rep"]) == scope


@pytest.mark.parametrize(
    ("granter", "role", "custom", "allowed"),
    [
        ("admin", "admin", None, True),
        ("admin", "manager", {"grant": ["users:write"]}, True),
        ("admin", "super_admin", None, False),
        ("super_admin", "super_admin", None, False),
        ("super_admin", "admin", None, True),
        ("admin", "api_key", None, False),
        ("admin", "nobody", None, False),
        ("manager", "admin", None, False),
        ("manager", "manager", None, True),
        ("manager", "user", {"grant": ["users:write"]}, False),
        ("manager", "user", {"grant": ["users:write"], "revoke": ["users:write"]}, False),
        ("super_admin", "user", {"grant": ["platform:companies"]}, False),
        ("admin", "user", {"grant": ["account:write"]}, False),
        ("admin", "user", {"grant": ["root:everything"]}, False),
    ],
)
def test_nobody_gives_what_they_do_not_have(
    granter: str, role: str, custom: dict[str, list[str]] | None, allowed: bool
) -> None:
    assert rules.may_grant(rules.SCOPES[granter], role, custom) is allowed


def test_no_key_reaches_what_is_kept_from_keys() -> None:
    everything = [*rules.PERMISSIONS, *rules.OWN.values()]
    held = rules.key_permissions(everything, rules.SCOPES["super_admin"])
    assert not any(scope.startswith(("account:", "api_keys:", "platform:")) for scope in held | rules.KEY_SCOPES)
    assert "users:write" not in held | rules.KEY_SCOPES


@pytest.mark.parametrize(
    ("scopes", "held", "left"),
    [
        ([], {"customers:read"}, set()),
        (["customers:read"], {"customers:read", "customers:write"}, {"customers:read"}),
        (["customers:read", "customers:write"], {"customers:read"}, {"customers:read"}),
        (["customers:read"], {"customers:read:own"}, {"customers:read:own"}),
        (["customers:read:own"], {"customers:read"}, {"customers:read:own"}),
        (["customers:read", "customers:read:own"], {"customers:read"}, {"customers:read"}),
        (["customers:read", "customers:read:own"], {"customers:read:own"}, {"customers:read:own"}),
        (["customers:read:own"], set(), set()),
    ],
)
def test_a_key_may_never_do_more_than_its_member_may_now(scopes: list[str], held: set[str], left: set[str]) -> None:
    assert rules.key_permissions(scopes, frozenset(held)) == left
