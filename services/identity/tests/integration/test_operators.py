"""Operators of the platform are made by a command with the owner's rights, and by nothing else."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors

from chassis.testing.programs import Programs


@pytest.fixture
def run(urls: Any, programs: Programs) -> Any:
    def command(*arguments: str) -> Any:
        environment = {"DATABASE_URL": urls.app, "OWNER_DATABASE_URL": urls.owner}
        return programs.run("-m", "identity.operators", *arguments, environment=environment)

    return command


def test_an_operator_has_the_platforms_permission_in_the_next_token(
    register: Callable[..., Any], run: Any, log_in: Any, claims: Any, superuser: psycopg.Connection
) -> None:
    ann = register()
    done = run("grant", ann.email.upper())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{ann.email.upper()} is an operator of the platform.\n"
    token = claims(log_in(ann.email).json["access_token"])
    assert token["role"] == "super_admin"
    assert "platform:companies" in token["scope"].split()
    assert claims(ann.answer["access_token"])["ver"] < token["ver"]
    row = superuser.execute("SELECT value FROM revocations WHERE kind = 'user' AND key = %s", (str(ann.user_id),))
    assert row.fetchone() == (token["ver"],)


def test_whoever_is_no_operator_any_more_has_lost_it(
    register: Callable[..., Any], run: Any, log_in: Any, claims: Any
) -> None:
    ann = register()
    run("grant", ann.email)
    assert run("revoke", ann.email).returncode == 0
    token = claims(log_in(ann.email).json["access_token"])
    assert (token["role"], "platform:companies" in token["scope"]) == ("admin", False)


def test_the_audit_log_of_their_company_shows_it(register: Callable[..., Any], run: Any, published: Any) -> None:
    ann = register()
    run("grant", ann.email)
    event = published(ann.company_id)[-1]
    assert (event["type"], event["actor"], event["data"]["changed"]) == ("crm.user.updated.v1", None, ["role"])
    assert run("grant", ann.email).stdout == f"{ann.email} is an operator of the platform already.\n"
    assert published(ann.company_id)[-1] == event


@pytest.mark.parametrize("arguments", [("grant", "nobody@nowhere.example"), ("revoke", "no address"), ("grant", "")])
def test_an_unknown_address_is_refused_with_a_sentence(run: Any, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert done.stderr == f"There is no user with the address {arguments[1]}.\n"


@pytest.mark.parametrize("arguments", [(), ("grant",), ("promote", "a@b.example"), ("grant", "a@b.example", "c")])
def test_a_wrong_call_is_answered_with_the_usage(run: Any, arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr[:6]) == (1, "usage:")


def test_the_service_itself_can_make_no_operator(register: Callable[..., Any], urls: Any) -> None:
    ann = register()
    with psycopg.connect(urls.app) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(ann.company_id),))
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("UPDATE users SET role = 'super_admin' WHERE id = %s", (ann.user_id,))
