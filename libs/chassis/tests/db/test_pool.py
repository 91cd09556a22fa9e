"""Transactions' connections: what the server closed while nobody used it fails no request."""

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import func, select

from chassis.db.session import Database
from chassis.db.statements import Prepared

_BACKEND = Prepared(select(func.pg_backend_pid()), writes=True)
SIZE = 4


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    database = Database(postgres_url, pool_size=SIZE)
    yield database
    database.dispose()


def backends(database: Database) -> set[int]:
    """Those of all connections that the pool may have."""
    with ExitStack() as open_ones:
        sessions = [open_ones.enter_context(database.transaction()) for _ in range(SIZE)]
        return {session.fetch(_BACKEND)[0][0] for session in sessions}


def test_connections_that_the_server_closed_are_replaced_and_no_transaction_fails(
    database: Database, postgres_url: str
) -> None:
    before = backends(database)
    assert len(before) == SIZE
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        for backend in before:
            admin.execute("SELECT pg_terminate_backend(%s, 5000)", (backend,))
    assert not backends(database) & before


def test_a_connection_with_a_notice_to_read_is_kept(database: Database, postgres_url: str) -> None:
    with database.transaction() as session:
        [(backend,)] = session.fetch(_BACKEND)
        session.writer.open_connection().execute("LISTEN something")
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute("NOTIFY something")
    with database.transaction() as session:
        assert session.fetch(_BACKEND) == [(backend,)]


def test_a_look_at_a_connection_sends_nothing(database: Database) -> None:
    backends(database)
    with database.transaction() as session, psycopg.connect(database._conninfo) as other:
        [(backend,)] = session.fetch(_BACKEND)
        session.commit()
        seen = "SELECT state_change FROM pg_stat_activity WHERE pid = %s"
        before = other.execute(seen, (backend,)).fetchone()
        other.commit()
        # Given back by the commit, taken again here, without a statement yet.
        loan = database.lend()
        other.execute("SELECT pg_stat_clear_snapshot()")
        assert other.execute(seen, (backend,)).fetchone() == before
        loan.give_back()
