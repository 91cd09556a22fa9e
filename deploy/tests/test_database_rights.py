"""With the passwords of one service's database roles: its own database is open, and nobody else's work is stopped."""

import contextlib

import psycopg
import pytest
from psycopg import errors, sql

from crm import databases
from crm.environment import roles
from crm.sandbox import running
from crm.settings import SERVICES

pytestmark = pytest.mark.xdist_group("deploy-servers")

PASSWORD = "a password"  # Of a throw-away server.
PROCESSES = [(service, role) for service in SERVICES for role in roles(service) if role != "owner"]
of_each_process = pytest.mark.parametrize(("service", "role"), PROCESSES)
FORBIDDEN = [
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "CREATE TABLE public.mine (x int)",
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE mine (x int)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE EXTENSION dblink",
    "CREATE ROLE mine",
    "SELECT * FROM pg_authid",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_import('PG_VERSION')",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "CHECKPOINT",
    "SELECT pg_create_logical_replication_slot('mine', 'pgoutput')",
]


@pytest.fixture(scope="module")
def server():
    with running(broker=False) as sandbox:
        server = sandbox.postgres()
        for _ in range(2):  # As every `make up` does.
            for service in SERVICES:
                databases.ensure(server.url, service, dict.fromkeys(roles(service), PASSWORD))
        yield server


@pytest.fixture
def connect(server):
    """A function that connects as a role of a service, to its own database or another one."""
    with contextlib.ExitStack() as stack:

        def connect(service, role, database=None):
            url = server.url(database or service, f"{service}_{role}", "a%20password")
            return stack.enter_context(contextlib.closing(psycopg.connect(url, autocommit=True)))

        yield connect


@of_each_process
def test_a_role_connects_to_the_database_of_its_service_alone(server, connect, service, role):
    with psycopg.connect(server.url()) as admin:
        every = [name for (name,) in admin.execute("SELECT datname FROM pg_database WHERE datallowconn")]
    assert {service, "postgres", "template1"} < set(every)
    opened = []
    for database in every:
        with contextlib.suppress(psycopg.OperationalError):
            connect(service, role, database)
            opened.append(database)
    assert opened == [service]


@of_each_process
def test_a_role_can_do_nothing_that_is_the_administrators(connect, service, role):
    connection = connect(service, role)
    allowed = []
    for statement in FORBIDDEN:
        with contextlib.suppress(errors.InsufficientPrivilege):
            connection.execute(statement)
            allowed.append(statement)
    assert allowed == []


@of_each_process
def test_a_role_does_not_see_what_another_one_asks(server, connect, service, role):
    with psycopg.connect(server.url()) as admin:
        admin.execute("SELECT 'a secret of another'")
        seen = connect(service, role).execute("SELECT usename, query FROM pg_stat_activity").fetchall()
    assert any(name == "postgres" for name, _ in seen)
    assert not any("a secret of another" in (query or "") for _, query in seen)


def test_who_takes_all_the_connections_they_get_leaves_enough_to_the_others(connect):
    taken = 0
    for role in roles("customers"):
        if role != "owner":
            with contextlib.suppress(psycopg.OperationalError):
                while True:
                    connect("customers", role)
                    taken += 1
    most = int(connect("tasks", "app").execute("SHOW max_connections").fetchone()[0])
    assert most / 5 < taken < most / 2
    for service, role in PROCESSES:
        if service != "customers":
            for _ in range(most // 50):
                connect(service, role)


@of_each_process
def test_a_role_cannot_lift_the_limit_of_temporary_files(connect, service, role):
    connection = connect(service, role)
    name = sql.Identifier(f"{service}_{role}")
    for statement in ("SET temp_file_limit = -1", "ALTER ROLE {} SET temp_file_limit = -1"):
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute(sql.SQL(statement).format(name))
    connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(name))
    assert connect(service, role).execute("SHOW temp_file_limit").fetchone() == ("1GB",)


def test_a_query_that_would_fill_the_disk_is_ended(server, connect):
    with psycopg.connect(server.url(), autocommit=True) as admin:
        admin.execute("ALTER ROLE customers_app SET temp_file_limit = '10MB'")
    connection = connect("customers", "app")
    connection.execute("SET work_mem = '64kB'")
    with pytest.raises(errors.ConfigurationLimitExceeded):
        connection.execute("SELECT n, repeat('x', 100) FROM generate_series(1, 1000000) n ORDER BY 2, 1")
    databases.ensure(server.url, "customers", dict.fromkeys(roles("customers"), PASSWORD))


def test_what_somebody_set_for_a_role_is_gone_after_the_next_start(server, connect):
    connection = connect("customers", "app")
    connection.execute("ALTER ROLE customers_app SET default_transaction_read_only = on")
    connection.execute("ALTER ROLE customers_app IN DATABASE customers SET statement_timeout = 1")
    connection.execute("ALTER ROLE customers_app PASSWORD 'of a thief'")
    with pytest.raises(psycopg.OperationalError):
        connect("customers", "app")
    databases.ensure(server.url, "customers", dict.fromkeys(roles("customers"), PASSWORD))
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT 1")
    fresh = connect("customers", "app")
    assert fresh.execute("SHOW default_transaction_read_only").fetchone() == ("off",)
    assert fresh.execute("SHOW statement_timeout").fetchone() == ("0",)
    databases.ensure(server.url, "customers", dict.fromkeys(roles("customers"), PASSWORD))
    assert fresh.execute("SELECT 1").fetchone() == (1,)
