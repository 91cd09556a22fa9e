"""What a token says its bearer may do: the role here, the role on the platform, the company's visibility."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from identity import rules


@pytest.fixture
def scope_of(log_in: Callable[..., Any], claims: Callable[..., Any]) -> Any:
    """The role and the permissions of a fresh token."""

    def read(email: str, company_id: int) -> Any:
        token = claims(log_in(email, company_id=company_id).json["access_token"])
        return token["role"], set(token["scope"].split())

    return read


def test_a_super_admin_is_one_in_each_company(
    register: Callable[..., Any], join: Callable[..., Any], scope_of: Callable[..., Any], superuser: psycopg.Connection
) -> None:
    ann, ben = register(), register()
    join(ann.user_id, ben.company_id, role="user")
    superuser.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (ann.user_id,))
    for company_id in (ann.company_id, ben.company_id):
        assert scope_of(ann.email, company_id) == ("super_admin", rules.SCOPES["super_admin"])


@pytest.mark.parametrize("role", rules.COMPANY_ROLES)
def test_each_role_gets_its_scope_and_visibility_narrows_those_who_follow_it(
    register: Callable[..., Any],
    join: Callable[..., Any],
    scope_of: Callable[..., Any],
    superuser: psycopg.Connection,
    role: str,
) -> None:
    ann, ben = register(), register()
    join(ann.user_id, ben.company_id, role=role)
    assert scope_of(ann.email, ben.company_id) == (role, rules.SCOPES[role])
    for visibility in ("own", "all"):
        superuser.execute(
            "UPDATE companies SET settings = jsonb_build_object('visibility', %s::text) WHERE id = %s",
            (visibility, ben.company_id),
        )
        expected = rules.permissions_of(role, None, visibility)
        assert scope_of(ann.email, ben.company_id) == (role, expected)
        assert ("customers:read:own" in expected) is (visibility == "own" and role in ("sales_rep", "user"))


@pytest.mark.parametrize("status", ["suspended", "deactivated"])
def test_who_is_suspended_here_gets_no_new_tokens_here(
    register: Callable[..., Any], refresh: Callable[..., Any], superuser: psycopg.Connection, status: str
) -> None:
    ann = register()
    superuser.execute("UPDATE user_companies SET status = %s WHERE user_id = %s", (status, ann.user_id))
    assert refresh(ann.answer["refresh_token"]).status_code == 401
