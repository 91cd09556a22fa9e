"""Members and invitations of another tenant: hidden by row-level security alone, and by the filters alone."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors

from chassis.context import Context, acting_as
from chassis.db.listing import ListQuery as Query
from chassis.db.listing import Shape
from chassis.db.pages import list_page
from chassis.db.session import Database
from chassis.errors import NotFound
from identity.commands.locking import lock_user
from identity.commands.members import lock_member
from identity.queries.directory import MEMBERS, get_entry
from identity.queries.invitations import INVITATIONS, RECORDS, is_member

BY_ID = Query(Shape(("id",), (), (("id", False),), 100, after=False), ())


@pytest.fixture
def ann(register: Callable[..., Any], client_of: Any) -> Any:
    return inviting(register(), client_of)


@pytest.fixture
def ben(register: Callable[..., Any], client_of: Any) -> Any:
    return inviting(register(), client_of)


def inviting(company: Any, client_of: Any) -> Any:
    """A company with an invitation, whose id it also carries."""
    body = {"email": f"new-{company.company_id}@x.example", "role": "user"}
    answer = client_of(company).post("/v1/invitations", json=body)
    assert answer.status_code == 201
    company.answer["invitation"] = answer.json["id"]
    return company


@pytest.fixture
def as_ann(urls: Any, ann: Any) -> Any:
    """A transaction of the service's role for Ann's company, with SQL that filters nothing."""
    with psycopg.connect(urls.app) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(ann.company_id),))
        yield connection


def test_row_level_security_alone_shows_only_the_tenants_invitations(as_ann: Any, ann: Any, ben: Any) -> None:
    assert as_ann.execute("SELECT id FROM invitations").fetchall() == [(ann.answer["invitation"],)]
    changed = as_ann.execute("UPDATE invitations SET sent_at = now() WHERE id = %s", (ben.answer["invitation"],))
    assert changed.rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE user_companies SET role = 'admin' WHERE user_id = %(them)s",
        "UPDATE users SET first_name = 'Eve' WHERE id = %(them)s",
        "UPDATE companies SET name = 'Eve' WHERE id = %(there)s",
        "DELETE FROM user_companies WHERE user_id = %(them)s",
    ],
)
def test_row_level_security_alone_changes_no_other_tenants_members(as_ann: Any, ben: Any, statement: str) -> None:
    assert as_ann.execute(statement, {"them": ben.user_id, "there": ben.company_id}).rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO user_companies (company_id, user_id, role) VALUES (%(there)s, %(me)s, 'admin')",
        "INSERT INTO invitations (company_id, email, role, invited_by, expires_at) VALUES (%(there)s, 'x@x.example', 'user', 1, now())",
        "UPDATE invitations SET role = 'admin'",
        "UPDATE invitations SET email = 'x@x.example'",
        "UPDATE user_companies SET user_id = %(them)s",
        "UPDATE users SET email = 'x@x.example'",
        "UPDATE users SET is_active = true",
        "UPDATE companies SET email = 'x@x.example'",
        "DELETE FROM invitations",
    ],
)
def test_the_service_may_do_no_more_than_it_does(as_ann: Any, ann: Any, ben: Any, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        as_ann.execute(statement, {"me": ann.user_id, "them": ben.user_id, "there": ben.company_id})


def test_the_filters_alone_find_only_the_tenant(ann: Any, ben: Any, urls: Any) -> None:
    database = Database(urls.superuser)
    with acting_as(Context(company_id=ann.company_id, user_id=ann.user_id)), database.transaction() as session:
        for read, there in (
            (get_entry, ben.user_id),
            (RECORDS.get, ben.answer["invitation"]),
            (lock_member, ben.user_id),
        ):
            with pytest.raises(NotFound):
                read(session, there)
        with pytest.raises(LookupError):
            lock_user(session, ben.user_id)
        assert not is_member(session, ben.email)
        assert list_page(session, MEMBERS, BY_ID).data == b'[{"id" : %d}]' % ann.user_id
        assert list_page(session, INVITATIONS, BY_ID).data == b'[{"id" : %d}]' % ann.answer["invitation"]
    database.dispose()


def test_only_the_service_may_look_behind_row_level_security(superuser: psycopg.Connection) -> None:
    for signature in ("companies_of_user(bigint)", "list_companies(bigint, boolean, text, bigint, integer)"):
        granted = superuser.execute(
            "SELECT has_function_privilege('identity_app', %(f)s, 'EXECUTE'),"
            " has_function_privilege('identity_relay', %(f)s, 'EXECUTE'),"
            " (SELECT proconfig FROM pg_proc WHERE oid = %(f)s::regprocedure)",
            {"f": signature},
        ).fetchone()
        assert granted == (True, False, ["search_path=pg_catalog, pg_temp"])
