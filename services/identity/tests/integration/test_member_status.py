"""Suspended, deactivated, active again, removed: what ends with it, what it tells others, what stays."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client


def revoked(superuser: psycopg.Connection, kind: str) -> set[str]:
    rows = superuser.execute("SELECT key FROM revocations WHERE kind = %s", (kind,)).fetchall()
    return {row[0] for row in rows}


@pytest.mark.parametrize("how", ["suspend", "deactivate"])
def test_whoever_is_sent_away_has_no_session_and_no_token_left(
    *, admin: Any, ann: Any, hire: Callable[..., Any], log_in: Any, refresh: Any, claims: Any, superuser: Any, how: str
) -> None:
    bob = hire(ann)
    tokens = log_in(bob.email).json
    answer = admin.post(f"{bob.path}/{how}", json={})
    assert (answer.status_code, answer.json["status"]) == (200, "suspended" if how == "suspend" else "deactivated")
    assert answer.headers["ETag"] == '"2"'
    assert {claims(tokens["access_token"])["sid"], claims(bob.client.token)["sid"]} <= revoked(superuser, "session")
    assert str(bob.user_id) in revoked(superuser, "user")
    assert refresh(tokens["refresh_token"]).status_code == 401
    assert log_in(bob.email).json["code"] == "invalid_credentials"
    assert bob.client.get("/v1/auth/me").status_code == 401
    reasons = superuser.execute("SELECT DISTINCT end_reason FROM sessions WHERE user_id = %s", (bob.user_id,))
    assert reasons.fetchall() == [(f"member_{answer.json['status']}",)]


def test_who_is_suspended_here_goes_on_working_elsewhere(
    *, admin: Any, ann: Any, hire: Callable[..., Any], register: Any, join: Any, log_in: Any, refresh: Any
) -> None:
    bob, ben = hire(ann), register()
    join(bob.user_id, ben.company_id)
    there = log_in(bob.email, company_id=ben.company_id).json
    assert admin.post(f"{bob.path}/suspend").status_code == 200
    assert refresh(there["refresh_token"]).status_code == 200
    assert log_in(bob.email).status_code == 200
    assert log_in(bob.email, company_id=ann.company_id).status_code == 401


@pytest.mark.parametrize("how", ["suspend", "deactivate"])
def test_whoever_is_active_again_signs_in_again(
    *, admin: Any, ann: Any, hire: Callable[..., Any], log_in: Any, published: Any, how: str
) -> None:
    bob = hire(ann)
    admin.post(f"{bob.path}/{how}", json={})
    answer = admin.post(f"{bob.path}/activate")
    assert (answer.status_code, answer.json["status"]) == (200, "active")
    assert log_in(bob.email).status_code == 200
    event = next(event for event in published(ann.company_id) if event["type"] == "crm.user_company.activated.v1")
    assert event["data"]["after"]["transfer_plan"] is None
    assert event["aggregateversion"] == 3


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [
        ("suspend", "suspend", "member_suspended"),
        ("deactivate", "deactivate", "member_deactivated"),
        ("deactivate", "suspend", "member_deactivated"),
        (None, "activate", "member_active"),
    ],
)
def test_what_is_so_already_is_a_conflict(
    *, admin: Any, ann: Any, hire: Callable[..., Any], first: str | None, second: str, code: str
) -> None:
    bob = hire(ann)
    if first is not None:
        assert admin.post(f"{bob.path}/{first}", json={}).status_code == 200
    answer = admin.post(f"{bob.path}/{second}", json={})
    assert (answer.status_code, answer.json["code"]) == (409, code)


def test_a_suspended_member_may_be_deactivated(admin: Any, ann: Any, hire: Callable[..., Any]) -> None:
    bob = hire(ann)
    admin.post(f"{bob.path}/suspend")
    assert admin.post(f"{bob.path}/deactivate", json={}).json["status"] == "deactivated"


def test_the_plan_is_stored_and_told_in_full(
    admin: Any, ann: Any, hire: Callable[..., Any], published: Any, superuser: psycopg.Connection
) -> None:
    bob, eve, carl = hire(ann), hire(ann), hire(ann)
    transfer = {"customers": {"to": eve.user_id}, "leads": {"round_robin": [carl.user_id, eve.user_id]}}
    answer = admin.post(f"{bob.path}/deactivate", json={"transfer": transfer})
    assert answer.status_code == 200, answer.json
    whole = transfer | {"deals": {"keep": True}, "tasks": {"keep": True}}
    event = next(event for event in published(ann.company_id) if event["type"] == "crm.user_company.deactivated.v1")
    assert event["data"]["after"]["transfer_plan"] == whole
    assert event["data"]["changed"] == ["status", "transfer_plan"]
    row = superuser.execute("SELECT transfer_plan FROM user_companies WHERE user_id = %s", (bob.user_id,)).fetchone()
    assert row == (whole,)


@pytest.mark.parametrize("who", ["themselves", "a stranger", "a suspended member", "nobody"])
def test_records_go_to_other_active_members_alone(
    admin: Any, ann: Any, hire: Callable[..., Any], register: Any, who: str
) -> None:
    bob, eve = hire(ann), hire(ann)
    if who == "a suspended member":
        admin.post(f"{eve.path}/suspend")
    target = {
        "themselves": bob.user_id,
        "a stranger": register().user_id,
        "a suspended member": eve.user_id,
        "nobody": 2**62,
    }[who]
    transfer = {"customers": {"to": target}, "tasks": {"round_robin": [ann.user_id, target]}}
    answer = admin.post(f"{bob.path}/deactivate", json={"transfer": transfer})
    assert (answer.status_code, answer.json["code"]) == (422, "inactive_user")
    pointers = [fault["pointer"] for fault in answer.json["errors"]]
    assert pointers == ["/transfer/customers/to", "/transfer/tasks/round_robin/1"]
    assert admin.get(bob.path).json["status"] == "active"


@pytest.mark.parametrize(
    ("transfer", "pointer"),
    [
        ({"customers": {}}, "/transfer/customers"),
        ({"customers": {"keep": False}}, "/transfer/customers/keep"),
        ({"customers": {"to": 1, "keep": True}}, "/transfer/customers"),
        ({"customers": {"to": "1"}}, "/transfer/customers/to"),
        ({"leads": {"round_robin": []}}, "/transfer/leads/round_robin"),
        ({"leads": {"round_robin": [1, 1]}}, "/transfer/leads/round_robin"),
        ({"leads": {"round_robin": list(range(1, 102))}}, "/transfer/leads/round_robin"),
        ({"notes": {"keep": True}}, "/transfer/notes"),
        ([], "/transfer"),
    ],
)
def test_a_plan_that_is_none_is_refused(
    admin: Any, ann: Any, hire: Callable[..., Any], transfer: Any, pointer: str
) -> None:
    bob = hire(ann)
    answer = admin.post(f"{bob.path}/deactivate", json={"transfer": transfer})
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json["errors"]] == [pointer]


def test_a_member_who_works_elsewhere_too_can_be_removed(
    *,
    admin: Any,
    ann: Any,
    hire: Any,
    register: Any,
    join: Any,
    log_in: Any,
    claims: Any,
    superuser: Any,
    published: Any,
) -> None:
    bob, ben = hire(ann), register()
    join(bob.user_id, ben.company_id)
    assert admin.delete(bob.path, version=1).status_code == 204
    assert admin.get(bob.path).status_code == 404
    assert claims(bob.client.token)["sid"] in revoked(superuser, "session")
    assert str(bob.user_id) in revoked(superuser, "user")
    assert bob.client.get("/v1/auth/me").status_code == 401
    removed = [event for event in published(ann.company_id) if event["type"] == "crm.user_company.removed.v1"]
    assert [(event["aggregateversion"], event["data"]["after"]) for event in removed] == [(2, None)]
    assert removed[0]["data"]["before"]["user_id"] == bob.user_id


def test_the_api_keys_of_who_is_removed_are_revoked_before_they_go(
    *, ann: Any, admin: Any, hire: Callable[..., Any], register: Any, join: Any, superuser: Any, published: Any
) -> None:
    bob = hire(ann, "admin")
    join(bob.user_id, register().company_id)
    key = bob.client.post("/v1/api-keys", json={"name": "Robot", "scopes": ["customers:read"]})
    assert key.status_code == 201
    row = superuser.execute("SELECT sid::text FROM api_keys WHERE id = %s", (key.json["id"],)).fetchone()
    assert admin.delete(bob.path, version=1).status_code == 204
    assert row[0] in revoked(superuser, "session")
    types = [event["type"] for event in published(ann.company_id)]
    assert types.index("crm.api_key.revoked.v1") < types.index("crm.user_company.removed.v1")


def test_who_loses_their_primary_company_gets_another(
    *,
    admin: Any,
    ann: Any,
    hire: Any,
    register: Any,
    join: Any,
    log_in: Any,
    claims: Any,
    superuser: Any,
    published: Any,
) -> None:
    bob, closed, ben = hire(ann), register(), register()
    join(bob.user_id, closed.company_id)
    join(bob.user_id, ben.company_id)
    superuser.execute("UPDATE companies SET status = 'suspended' WHERE id = %s", (closed.company_id,))
    assert admin.delete(bob.path, version=1).status_code == 204
    event = published(ben.company_id)[-1]
    assert (event["type"], event["data"]["changed"]) == ("crm.user_company.updated.v1", ["is_primary"])
    assert event["data"]["after"]["is_primary"] is True
    assert claims(log_in(bob.email).json["access_token"])["company_id"] == ben.company_id


def test_a_user_keeps_one_company(admin: Any, ann: Any, hire: Callable[..., Any]) -> None:
    bob = hire(ann)
    answer = admin.delete(bob.path, version=1)
    assert (answer.status_code, answer.json["code"]) == (409, "last_company")


def test_of_two_companies_that_remove_a_user_at_once_one_keeps_them(
    *, ann: Any, register: Any, hire: Any, join: Any, side_by_side: Any, superuser: Any
) -> None:
    bob, ben = hire(ann), register()
    join(bob.user_id, ben.company_id)
    answers = side_by_side(
        [
            lambda http, company=company: Client(http, company.answer["access_token"]).delete(bob.path, version=1)
            for company in (ann, ben)
        ]
    )
    # The second hears that it is the last one, or that the membership has become the primary one meanwhile.
    assert sorted(answer.status_code for answer in answers) in ([204, 409], [204, 412])
    rows = superuser.execute("SELECT is_primary FROM user_companies WHERE user_id = %s", (bob.user_id,)).fetchall()
    assert rows == [(True,)]


def test_a_target_of_a_plan_cannot_be_suspended_meanwhile(
    ann: Any, hire: Callable[..., Any], side_by_side: Any, superuser: Any
) -> None:
    """Either the plan is refused, or it was made while its target was active: there is no third."""
    for _ in range(5):
        bob, eve = hire(ann), hire(ann)
        token = ann.answer["access_token"]
        body = {"transfer": {"customers": {"to": eve.user_id}}}
        plan, suspension = side_by_side(
            [
                lambda http: Client(http, token).post(f"{bob.path}/deactivate", json=body),  # noqa: B023  # Called before the next round.
                lambda http: Client(http, token).post(f"{eve.path}/suspend"),  # noqa: B023  # As above.
            ]
        )
        assert suspension.status_code == 200
        assert plan.status_code in (200, 422)
        order = superuser.execute(
            "SELECT type FROM outbox WHERE company_id = %s AND type ~ 'suspended|deactivated' ORDER BY id DESC LIMIT 2",
            (ann.company_id,),
        ).fetchall()
        if plan.status_code == 200:
            assert [row[0].split(".")[2] for row in order] == ["suspended", "deactivated"]


def test_refreshing_while_being_suspended_leaves_no_way_back(
    *, ann: Any, hire: Callable[..., Any], log_in: Any, side_by_side: Any, refresh: Any, superuser: Any
) -> None:
    for _ in range(5):
        bob = hire(ann)
        token = log_in(bob.email).json["refresh_token"]
        admin = ann.answer["access_token"]
        shown, _ = side_by_side(
            [
                lambda http: http.post("/v1/auth/refresh", json={"refresh_token": token}),  # noqa: B023  # As above.
                lambda http: Client(http, admin).post(f"{bob.path}/suspend"),  # noqa: B023  # As above.
            ]
        )
        if shown.status_code == 200:
            assert refresh(shown.json["refresh_token"]).status_code == 401
        assert refresh(token).status_code == 401
