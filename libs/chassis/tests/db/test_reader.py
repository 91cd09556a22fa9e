"""Reads in one round trip: each with its own tenant, and a connection that survives what PostgreSQL may answer."""

import os
import socket
import threading
from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import BigInteger, Text, bindparam, column, func, literal_column, select, table

from chassis.context import Context, acting_as
from chassis.db import reader, session
from chassis.db.session import Database
from chassis.db.statements import Prepared
from chassis.testing.waiting import wait_until

_TENANT = Prepared(select(literal_column("current_setting('app.company_id', true)")))
_HALVED = Prepared(select(literal_column("100") / bindparam("by", type_=BigInteger)))
_BACKEND = Prepared(select(func.pg_backend_pid()))


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url)
    yield database
    database.dispose()


def as_company(company_id: int | None) -> Context:
    return Context(company_id=company_id)


def test_each_read_has_the_tenant_of_its_context_and_leaves_none_behind(database: Database) -> None:
    for company_id in (1, None, 2, 1):
        with acting_as(as_company(company_id)):
            expected = "" if company_id is None else str(company_id)
            assert database.read(_TENANT, {}) == [(expected,)]


def test_a_failing_read_leaves_the_connection_good(database: Database) -> None:
    backend = database.read(_BACKEND, {})
    with pytest.raises(psycopg.errors.DivisionByZero):
        database.read(_HALVED, {"by": 0})
    assert database.read(_HALVED, {"by": 4}) == [(25,)]
    assert database.read(_BACKEND, {}) == backend


def test_a_connection_that_the_server_closed_is_replaced(database: Database, postgres_url: str) -> None:
    [(backend,)] = database.read(_BACKEND, {})
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
    [(another,)] = database.read(_BACKEND, {})
    assert another != backend


def test_a_connection_that_broke_before_a_statement_that_it_did_not_know_is_replaced(database: Database) -> None:
    [(backend,)] = database.read(_BACKEND, {})
    with socket.socket(fileno=os.dup(database._reader().connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    assert database.read(_HALVED, {"by": 4}) == [(25,)]
    assert database.read(_BACKEND, {}) != [(backend,)]


def test_a_thread_that_ends_leaves_no_connection_behind(database: Database, postgres_url: str) -> None:
    backends: list[int] = []
    for _ in range(3):
        threads = [threading.Thread(target=lambda: backends.append(database.read(_BACKEND, {})[0][0])) for _ in "ab"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(backends) == 6
    open_ones = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        # A server process ends a moment after its connection.
        wait_until(lambda: admin.execute(open_ones, (backends,)).fetchone() == (0,), 30)
    assert database.read(_BACKEND, {})


def test_a_connection_forgets_its_statements_before_they_are_too_many(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_MOST_PREPARED", 3)
    statements = [Prepared(select(literal_column(str(number)))) for number in range(10)]
    for _ in range(8):
        assert [database.read(statement, {}) for statement in statements] == [[(number,)] for number in range(10)]
    [(known,)] = database.read(Prepared(select(func.count()).select_from(table("pg_prepared_statements"))), {})
    assert known <= 3 + 1


def test_a_plan_that_a_migration_outdated_is_made_anew(database: Database, postgres_url: str) -> None:
    read = Prepared(select(column("value")).select_from(table("outdated")))
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("CREATE TABLE outdated (value integer)")
        try:
            admin.execute("INSERT INTO outdated VALUES (1)")
            assert database.read(read, {}) == [(1,)]
            admin.execute("ALTER TABLE outdated ALTER value TYPE text")
            assert database.read(read, {}) == [("1",)]
        finally:
            admin.execute("DROP TABLE outdated")


def test_a_read_that_takes_too_long_is_ended_and_leaves_the_connection_good(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "READ_DEADLINE", "-c statement_timeout=50")
    backend = database.read(_BACKEND, {})
    with pytest.raises(psycopg.errors.QueryCanceled):
        database.read(Prepared(select(func.pg_sleep(10).cast(Text))), {})
    assert database.read(_BACKEND, {}) == backend
