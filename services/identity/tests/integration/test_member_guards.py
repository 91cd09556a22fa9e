"""Guards: a company keeps an admin who can act, and nobody gives, or touches, more than they have."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client
from identity import rules

AWAY = ("demote", "revoke", "suspend", "deactivate", "remove")


def send_away(client: Any, how: str, user_id: int) -> Any:
    path = f"/v1/users/{user_id}"
    version = 1
    match how:
        case "demote":
            return client.patch(path, json={"role": "manager"}, version=version)
        case "revoke":
            return client.patch(path, json={"permissions": {"revoke": ["users:write"]}}, version=version)
        case "remove":
            return client.delete(path, version=version)
        case "deactivate":
            return client.post(f"{path}/deactivate", json={})
    return client.post(f"{path}/{how}")


@pytest.mark.parametrize("how", AWAY)
def test_the_last_admin_stays(
    *, admin: Any, ann: Any, hire: Callable[..., Any], register: Any, join: Any, published: Any, how: str
) -> None:
    hire(ann, "manager")
    join(ann.user_id, register().company_id)
    answer = send_away(admin, how, ann.user_id)
    assert (answer.status_code, answer.json["code"]) == (409, "last_admin")
    assert admin.get(f"/v1/users/{ann.user_id}").headers["ETag"] == '"1"'
    assert not [event for event in published(ann.company_id) if "user_company.updated" in event["type"]]


@pytest.mark.parametrize(
    "spoilt",
    [
        "UPDATE user_companies SET status = 'suspended' WHERE user_id = %s",
        "UPDATE user_companies SET status = 'deactivated' WHERE user_id = %s",
        """UPDATE user_companies SET permissions = '{"revoke": ["users:write"]}' WHERE user_id = %s""",
        "UPDATE users SET is_active = false WHERE id = %s",
    ],
)
def test_an_admin_who_cannot_act_does_not_count(
    admin: Any, ann: Any, hire: Callable[..., Any], superuser: psycopg.Connection, spoilt: str
) -> None:
    superuser.execute(spoilt, (hire(ann, "admin").user_id,))
    assert send_away(admin, "demote", ann.user_id).json["code"] == "last_admin"


@pytest.mark.parametrize("how", AWAY)
def test_one_of_two_admins_may_go(
    *, admin: Any, ann: Any, hire: Callable[..., Any], register: Any, join: Any, how: str
) -> None:
    bob = hire(ann, "admin")
    join(bob.user_id, register().company_id)
    assert send_away(admin, how, bob.user_id).status_code in (200, 204)
    assert send_away(admin, "demote", ann.user_id).json["code"] == "last_admin"


@pytest.mark.parametrize("how", AWAY)
def test_of_two_admins_who_turn_on_each_other_at_once_one_wins(
    *, ann: Any, hire: Callable[..., Any], register: Any, join: Any, side_by_side: Any, superuser: Any, how: str
) -> None:
    bob = hire(ann, "admin")
    elsewhere = register().company_id
    for user_id in (ann.user_id, bob.user_id):
        join(user_id, elsewhere)
    answers = side_by_side(
        [
            lambda http: send_away(Client(http, ann.answer["access_token"]), how, bob.user_id),
            lambda http: send_away(Client(http, bob.client.token), how, ann.user_id),
        ]
    )
    assert sorted(answer.status_code for answer in answers)[1] == 409
    assert [answer.json["code"] for answer in answers if answer.status_code == 409] == ["last_admin"]
    left = superuser.execute(
        """
        SELECT count(*) FROM user_companies WHERE company_id = %s AND role = 'admin' AND status = 'active'
        AND NOT coalesce(permissions -> 'revoke' ? 'users:write', false)
        """,
        (ann.company_id,),
    ).fetchone()
    assert left == (1,)


def test_of_four_admins_who_all_resign_at_once_one_stays(
    ann: Any, hire: Callable[..., Any], side_by_side: Any, superuser: Any
) -> None:
    bobs = [hire(ann, "admin") for _ in range(3)]
    tokens = [(ann.user_id, ann.answer["access_token"]), *((bob.user_id, bob.client.token) for bob in bobs)]
    answers = side_by_side(
        [lambda http, who=who, token=token: send_away(Client(http, token), "demote", who) for who, token in tokens]
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 409]
    count = "SELECT count(*) FROM user_companies WHERE company_id = %s AND role = 'admin'"
    assert superuser.execute(count, (ann.company_id,)).fetchone() == (1,)


@pytest.fixture
def deputy(ann: Any, hire: Callable[..., Any]) -> Any:
    """A manager who may change members."""
    return hire(ann, "manager", {"grant": ["users:write"], "revoke": []})


@pytest.mark.parametrize(
    "change",
    [
        {"role": "admin"},
        {"permissions": {"grant": ["companies:write"]}},
        {"permissions": {"grant": ["customers:purge"], "revoke": ["customers:purge"]}},
        {"role": "admin", "permissions": {"revoke": ["companies:write", "api_keys:read", "api_keys:write"]}},
    ],
)
def test_nobody_gives_what_they_do_not_have(ann: Any, deputy: Any, hire: Callable[..., Any], change: Any) -> None:
    bob = hire(ann)
    for path in (bob.path, deputy.path):
        answer = deputy.client.patch(path, json=change, version=1)
        assert (answer.status_code, answer.json["code"]) == (403, "grant_not_held")


def test_whoever_has_it_may_give_it(ann: Any, deputy: Any, hire: Callable[..., Any]) -> None:
    bob = hire(ann)
    change = {"role": "manager", "permissions": {"grant": ["users:write"]}}
    assert deputy.client.patch(bob.path, json=change, version=1).status_code == 200


@pytest.mark.parametrize("how", [*AWAY, "activate"])
def test_nobody_touches_who_may_do_more(
    *, ann: Any, deputy: Any, hire: Callable[..., Any], superuser: Any, register: Any, join: Any, how: str
) -> None:
    boss = hire(ann, "admin")
    join(boss.user_id, register().company_id)
    if how == "activate":
        superuser.execute("UPDATE user_companies SET status = 'suspended' WHERE user_id = %s", (boss.user_id,))
    answer = send_away(deputy.client, how, boss.user_id)
    assert (answer.status_code, answer.json["code"]) == (403, "member_outranks")


def test_nobody_touches_the_profile_of_who_may_do_more(ann: Any, deputy: Any, hire: Callable[..., Any]) -> None:
    boss = hire(ann, "admin")
    answer = deputy.client.patch(boss.path, json={"first_name": "Eve"}, version=1)
    assert answer.json["code"] == "member_outranks"


def test_an_operator_of_the_platform_is_beyond_an_admin(
    admin: Any, ann: Any, hire: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    bob = hire(ann)
    superuser.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (bob.user_id,))
    assert send_away(admin, "suspend", bob.user_id).json["code"] == "member_outranks"


def test_visibility_takes_nothing_from_an_admin(admin: Any, ann: Any, hire: Callable[..., Any]) -> None:
    bob = hire(ann, "sales_rep")
    assert admin.patch("/v1/companies/current", json={"settings": {"visibility": "own"}}, version=1).status_code == 200
    assert admin.patch(bob.path, json={"role": "user"}, version=1).status_code == 200
    assert admin.post(f"{bob.path}/suspend").status_code == 200


def test_a_token_from_before_a_demotion_gives_nothing_any_more(admin: Any, ann: Any, hire: Callable[..., Any]) -> None:
    """The gateway refuses it within two seconds; until then the command looks at what its owner may do now."""
    bob, eve, carl = hire(ann, "admin"), hire(ann), hire(ann, "admin")
    assert send_away(admin, "demote", bob.user_id).status_code == 200
    for how in ("suspend", "deactivate", "remove", "demote"):
        assert send_away(bob.client, how, eve.user_id).json["code"] == "permission_missing"
    invitation = {"email": "eve@x.example", "role": "user"}
    assert bob.client.post("/v1/invitations", json=invitation).json["code"] == "permission_missing"
    assert carl.client.post(f"{eve.path}/suspend").status_code == 200


@pytest.mark.parametrize("how", ["suspend", "deactivate"])
def test_nobody_shuts_themselves_out(admin: Any, ann: Any, hire: Callable[..., Any], how: str) -> None:
    hire(ann, "admin")
    answer = send_away(admin, how, ann.user_id)
    assert (answer.status_code, answer.json["code"]) == (409, "own_membership")


def test_an_admin_may_leave_for_another_company(
    admin: Any, ann: Any, hire: Callable[..., Any], register: Any, join: Any
) -> None:
    hire(ann, "admin")
    join(ann.user_id, register().company_id)
    assert send_away(admin, "remove", ann.user_id).status_code == 204


@pytest.mark.parametrize("how", ["suspend", "deactivate", "remove", "demote"])
def test_a_token_from_before_a_suspension_gives_nothing_any_more(
    ann: Any, hire: Callable[..., Any], superuser: psycopg.Connection, how: str
) -> None:
    """An admin by role still, and with a token that lives: but suspended."""
    bob, eve = hire(ann, "admin"), hire(ann)
    superuser.execute("UPDATE user_companies SET status = 'suspended' WHERE user_id = %s", (bob.user_id,))
    answer = send_away(bob.client, how, eve.user_id)
    assert (answer.status_code, answer.json["code"]) == (403, "permission_missing")


def test_what_a_role_would_give_but_visibility_takes_is_not_ones_own_to_give(
    admin: Any, ann: Any, hire: Callable[..., Any]
) -> None:
    """Who sees their own customers alone makes nobody see all of them, though their role holds that elsewhere."""
    assert admin.patch("/v1/companies/current", json={"settings": {"visibility": "own"}}, version=1).status_code == 200
    rep, bob = hire(ann, "sales_rep", {"grant": ["users:read", "users:write"], "revoke": []}), hire(ann, "sales_rep")
    change = {"permissions": {"grant": ["customers:read"]}}
    refused = rep.client.patch(bob.path, json=change, version=1)
    assert (refused.status_code, refused.json["code"]) == (403, "grant_not_held")
    assert admin.patch(bob.path, json=change, version=1).status_code == 200


@pytest.mark.parametrize("visibility", ["own", "all"])
@pytest.mark.parametrize("role", ["manager", "admin"])
def test_a_role_that_sees_all_is_given_by_nobody_who_does_not(
    *, admin: Any, ann: Any, hire: Callable[..., Any], visibility: str, role: str
) -> None:
    """Whatever permissions they were granted: to themselves, to somebody else, or by a letter."""
    body = {"settings": {"visibility": visibility}}
    assert admin.patch("/v1/companies/current", json=body, version=1).status_code == 200
    granted = sorted({"users:write", *rules.SCOPES[role]} & rules.GRANTABLE - rules.SCOPES["sales_rep"])
    rep, bob = hire(ann, "sales_rep", {"grant": granted, "revoke": []}), hire(ann, "sales_rep")
    may = 200 if visibility == "all" else 403
    assert rep.client.patch(bob.path, json={"role": role}, version=1).status_code == may
    invited = rep.client.post("/v1/invitations", json={"email": f"x{ann.company_id}@new.example", "role": role})
    assert invited.status_code == (201 if may == 200 else 403)
    # Their own way up, and somebody's way down who sees more than they do.
    assert rep.client.patch(rep.path, json={"role": role}, version=1).status_code == may
    boss = hire(ann, role)
    assert rep.client.patch(boss.path, json={"role": "sales_rep"}, version=1).status_code == may


def test_a_role_that_is_narrowed_as_its_giver_is_may_be_given(admin: Any, ann: Any, hire: Callable[..., Any]) -> None:
    assert admin.patch("/v1/companies/current", json={"settings": {"visibility": "own"}}, version=1).status_code == 200
    rep, bob = hire(ann, "sales_rep", {"grant": ["users:write"], "revoke": []}), hire(ann, "user")
    assert rep.client.patch(bob.path, json={"role": "sales_rep"}, version=1).status_code == 200
