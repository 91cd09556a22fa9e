"""Signing in: to the right company with the right scope, and one answer for everything that is wrong."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from identity import rules
from identity.hashing import Hasher


def test_an_email_signs_in_in_any_case(
    register: Callable[..., Any], log_in: Callable[..., Any], claims: Callable[..., Any]
) -> None:
    ann = register()
    response = log_in(ann.email.swapcase())
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert set(response.json) == {"access_token", "refresh_token", "token_type", "expires_in", "device_token"}
    token = claims(response.json["access_token"])
    assert (token["sub"], token["company_id"], token["role"]) == (str(ann.user_id), ann.company_id, "admin")


def test_signing_in_sets_last_login_and_publishes_it(
    http: Any, register: Callable[..., Any], log_in: Callable[..., Any], published: Callable[..., Any]
) -> None:
    ann = register()
    log_in(ann.email)
    event = published(ann.company_id)[-1]
    assert event["type"] == "crm.user.signed_in.v1"
    assert event["aggregateversion"] == 2
    assert event["actor"] == str(ann.user_id)
    assert event["data"]["changed"] == ["last_login"]
    assert event["data"]["before"]["last_login"] is None
    after = http.get("/v1/auth/me", headers=ann.headers).json["user"]
    assert event["data"]["after"] == after
    assert after["last_login"] is not None


def test_every_failure_has_the_same_answer(
    register: Callable[..., Any], log_in: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann, ben, eve, zoe = (register() for _ in range(4))
    superuser.execute("UPDATE users SET is_active = false WHERE id = %s", (eve.user_id,))
    responses = [
        log_in(ann.email, "wrong horse battery"),
        log_in("nobody@acme.example"),
        log_in("nobody"),
        log_in("k\u00fche@acme.example"),
        log_in(eve.email),
        log_in(ann.email, company_id=ben.company_id),
        log_in(ann.email, company_id=2**63 - 1),
        log_in(zoe.email, "a" * 73),
        log_in(zoe.email, "nul\x00"),
        log_in(zoe.email, ""),
    ]
    assert {response.status_code for response in responses} == {401}
    assert {response.json["code"] for response in responses} == {"invalid_credentials"}
    assert len({response.json["detail"] for response in responses}) == 1


def test_unknown_and_known_users_cost_one_comparison_each(
    register: Callable[..., Any], log_in: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = register()
    costs = []
    real = Hasher.matches

    def matches(hasher: Hasher, secret: bytes, stored: bytes) -> bool:
        costs.append(stored[:7])
        return real(hasher, secret, stored)

    monkeypatch.setattr(Hasher, "matches", matches)
    for email, password in ((ann.email, "wrong horse"), ("nobody@acme.example", "wrong horse"), (ann.email, "a" * 73)):
        log_in(email, password)
    assert costs == [b"$2b$04$"] * 3


def test_a_failed_login_leaves_no_session_and_no_event(
    register: Callable[..., Any],
    log_in: Callable[..., Any],
    superuser: psycopg.Connection,
    published: Callable[..., Any],
) -> None:
    ann = register()
    log_in(ann.email, "wrong horse battery")
    assert superuser.execute("SELECT count(*) FROM sessions WHERE user_id = %s", (ann.user_id,)).fetchone() == (1,)
    assert len(published(ann.company_id)) == 3


@pytest.mark.parametrize("status", ["suspended", "inactive"])
def test_a_closed_company_says_so_to_its_members_only(
    register: Callable[..., Any], log_in: Callable[..., Any], superuser: psycopg.Connection, status: str
) -> None:
    ann = register()
    superuser.execute("UPDATE companies SET status = %s WHERE id = %s", (status, ann.company_id))
    response = log_in(ann.email)
    assert response.status_code == 403
    assert response.json["code"] == f"company_{status}"
    assert log_in(ann.email, "wrong horse battery").status_code == 401


def test_a_member_of_two_companies_chooses(
    register: Callable[..., Any], log_in: Callable[..., Any], join: Callable[..., Any], claims: Callable[..., Any]
) -> None:
    ann, ben = register(), register()
    join(ann.user_id, ben.company_id, role="sales_rep")
    chosen = claims(log_in(ann.email, company_id=ben.company_id).json["access_token"])
    assert (chosen["company_id"], chosen["role"]) == (ben.company_id, "sales_rep")
    assert claims(log_in(ann.email).json["access_token"])["company_id"] == ann.company_id
    assert claims(log_in(ann.email, company_id=None).json["access_token"])["company_id"] == ann.company_id


def test_the_scope_follows_the_membership(
    register: Callable[..., Any], log_in: Callable[..., Any], join: Callable[..., Any], claims: Callable[..., Any]
) -> None:
    ann, ben = register(), register()
    join(ann.user_id, ben.company_id, permissions={"grant": ["customers:write"], "revoke": ["audit:read"]})
    scope = claims(log_in(ann.email, company_id=ben.company_id).json["access_token"])["scope"]
    held = rules.SCOPES["user"] | {"customers:write"}
    assert scope == " ".join(sorted(held))


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.example"},
        {"email": "a@b.example", "password": "x", "company_id": "1"},
        {"email": "a@b.example", "password": "x", "company_id": 0},
        {"email": "a@b.example", "password": "x", "company_id": 2**63},
        {"email": "a@b.example", "password": "x", "company_id": True},
        {"email": "a\x00@b.example", "password": "x"},
        {"email": "a" * 256, "password": "x"},
        {"email": ["a@b.example"], "password": "x"},
        {"email": "a@b.example", "password": "x", "role": "admin"},
        [],
    ],
)
def test_a_malformed_login_is_422(http: Any, body: object) -> None:
    assert http.post("/v1/auth/login", json=body).status_code == 422
