"""Another tenant's rows: invisible to a query without a filter, and to a filter without row-level security."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.errors import Unauthenticated
from chassis.testing.fixtures import DatabaseUrls
from identity import rules
from identity.queries.companies import get_company
from identity.queries.members import find_membership, get_identity, get_member
from identity.queries.sessions import find_family, lock_refresh_token
from identity.queries.users import get_user

TENANT_TABLES = {
    "companies": "id",
    "user_companies": "company_id",
    "sessions": "company_id",
    "refresh_tokens": "company_id",
}


@pytest.fixture
def as_app(urls: DatabaseUrls) -> Any:
    """A transaction of the service's role for a tenant, with SQL that filters nothing."""

    def connect(company_id: int) -> Any:
        connection = psycopg.connect(urls.app)
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(company_id or ""),))
        opened.append(connection)
        return connection

    opened: list[psycopg.Connection] = []
    yield connect
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("table", [*TENANT_TABLES, "users"])
def test_row_level_security_alone_shows_only_the_tenant(
    register: Callable[..., Any], as_app: Callable[..., Any], table: str
) -> None:
    ann, _ = register(), register()
    key = TENANT_TABLES.get(table, "id")
    seen = {
        row[0]
        for row in as_app(ann.company_id)
        .execute(sql.SQL("SELECT {} FROM {}").format(sql.Identifier(key), sql.Identifier(table)))
        .fetchall()
    }
    assert seen == {ann.user_id if table == "users" else ann.company_id}


@pytest.mark.parametrize("table", [*TENANT_TABLES, "users"])
def test_without_a_tenant_there_are_no_rows(
    register: Callable[..., Any], as_app: Callable[..., Any], table: str
) -> None:
    register()
    assert as_app(None).execute(sql.SQL("SELECT version FROM {}").format(sql.Identifier(table))).fetchall() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE users SET last_login = now() WHERE id = %(user)s",
        "UPDATE sessions SET ended_at = now(), end_reason = 'x' WHERE user_id = %(user)s",
        "UPDATE refresh_tokens SET used_at = now() WHERE company_id = %(company)s",
    ],
)
def test_row_level_security_alone_changes_no_other_tenant(
    register: Callable[..., Any], as_app: Callable[..., Any], statement: str
) -> None:
    ann, ben = register(), register()
    changed = as_app(ann.company_id).execute(statement, {"user": ben.user_id, "company": ben.company_id})
    assert changed.rowcount == 0


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO companies (id, name, email) VALUES (%(company)s + 1000000, 'x', 'x@x.example')",
        "INSERT INTO user_companies (company_id, user_id, role) VALUES (%(company)s, %(me)s, 'admin')",
        "INSERT INTO sessions (company_id, sid, user_id, expires_at) VALUES (%(company)s, gen_random_uuid(), 1, now())",
        "UPDATE user_companies SET user_id = 1",
        "UPDATE users SET role = 'super_admin'",
        "UPDATE companies SET subscription_plan = 'free'",
        "DELETE FROM users",
        "SELECT password_hash FROM users",
        "SELECT * FROM outbox",
        "DELETE FROM signing_keys",
        "UPDATE signing_keys SET status = 'next'",
    ],
)
def test_the_service_may_do_no_more_than_it_does(
    register: Callable[..., Any], as_app: Callable[..., Any], statement: str
) -> None:
    ann, ben = register(), register()
    names = {"company": ben.company_id, "user": ben.user_id, "me": ann.user_id}
    with pytest.raises(errors.InsufficientPrivilege):
        as_app(ann.company_id).execute(statement, names)


def test_a_tenant_cannot_make_a_stranger_its_member_by_session(
    register: Callable[..., Any], as_app: Callable[..., Any]
) -> None:
    ann, ben = register(), register()
    with pytest.raises(errors.ForeignKeyViolation):
        as_app(ann.company_id).execute(
            "INSERT INTO sessions (company_id, sid, user_id, expires_at) VALUES (%s, gen_random_uuid(), %s, now())",
            (ann.company_id, ben.user_id),
        )


def test_the_filter_alone_finds_only_the_tenant(register: Callable[..., Any], urls: DatabaseUrls) -> None:
    ann, ben = register(), register()
    database = Database(urls.superuser)
    token_hash = rules.token_hash(ben.answer["refresh_token"])
    with acting_as(Context(company_id=ann.company_id, user_id=ann.user_id)), database.transaction() as session:
        family = find_family(session, token_hash)
        assert family is not None
        assert find_membership(session, ben.user_id) is None
        assert lock_refresh_token(session, family[1], token_hash) is None
        for read in (get_user, get_member):
            with pytest.raises(LookupError):
                read(session, ben.user_id)
        with pytest.raises(Unauthenticated):
            get_identity(session, ben.user_id)
        assert get_company(session).id == ann.company_id
    database.dispose()


def test_the_service_owns_nothing_and_cannot_bypass(database: Database) -> None:
    database.refuse_bypass()


def test_only_the_service_may_look_behind_row_level_security(superuser: psycopg.Connection) -> None:
    for signature in ("find_login(text, bigint)", "find_refresh_token(bytea)"):
        granted = superuser.execute(
            "SELECT has_function_privilege('identity_app', %(f)s, 'EXECUTE'),"
            " has_function_privilege('identity_relay', %(f)s, 'EXECUTE'),"
            " (SELECT proconfig FROM pg_proc WHERE oid = %(f)s::regprocedure)",
            {"f": signature},
        ).fetchone()
        assert granted == (True, False, ["search_path=pg_catalog, pg_temp"])
