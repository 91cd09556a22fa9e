"""A company that was purged loses every row, in portions, whatever interrupts it; nothing late brings one back."""

import time
from collections.abc import Callable
from threading import Event as Flag
from typing import Any

import psycopg
import pytest

from chassis.context import Context, acting_as
from chassis.db import company_purges
from chassis.db.company_purges import BATCH, CompanyPurges
from chassis.db.session import Database
from chassis.testing.databases import DatabaseUrls
from chassis.testing.fixtures import Client
from chassis.testing.purges import let_purge_settle
from sample.app import SERVICE

PURGES = CompanyPurges(SERVICE.metadata)


@pytest.fixture
def rows(superuser: psycopg.Connection) -> Callable[[int], dict[str, int]]:
    """How many rows a company has, by table, in all tables that know companies; those without any are left out."""

    def count(company: int) -> dict[str, int]:
        tables = superuser.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE c.relkind = 'r' AND a.attname = 'company_id' AND c.relnamespace = 'public'::regnamespace"
        ).fetchall()
        found = {}
        for (table,) in tables:
            query = f"SELECT count(*) FROM {table} WHERE company_id = %s"  # noqa: S608  # Names of the catalogue.
            row = superuser.execute(query, (company,)).fetchone()
            if row is not None and row[0]:
                found[table] = row[0]
        return found

    return count


@pytest.fixture
def purge(hear: Callable[..., Any], company_id: int) -> Callable[..., Any]:
    """Hear that the company was purged; answers the event."""
    return lambda **again: hear("company.purged", company_id, 2, before={"id": company_id}, **again)


@pytest.fixture
def settle(superuser: psycopg.Connection, company_id: int) -> Callable[[], None]:
    """Have the time pass in which something may be under way that knows nothing of the purge."""

    def pass_time() -> None:
        let_purge_settle(superuser, company_id)

    return pass_time


@pytest.fixture
def work(database: Database) -> Callable[[], None]:
    return lambda: PURGES.work(database, Flag())


@pytest.fixture
def state(database: Database, company_id: int) -> Callable[[], str]:
    """What the service says of it."""

    def look() -> str:
        with acting_as(Context(company_id=company_id)), database.session() as session:
            return str(company_purges.state(session)["state"])

    return look


def test_thousands_of_rows_go_in_portions_and_those_of_another_company_stay(
    *,
    fill: Any,
    create: Any,
    client_of: Callable[..., Client],
    company_id: int,
    database: Database,
    superuser: psycopg.Connection,
    rows: Any,
    purge: Any,
    settle: Any,
    state: Any,
) -> None:
    other = company_id + 500_000_000
    at_other = client_of(other)
    shelf = at_other.post("/v1/shelves", json={"name": "Theirs"}).json
    assert at_other.post("/v1/books", json={"shelf_id": shelf["id"], "title": "Theirs"}).status_code == 201
    kept = rows(other)
    create(tags=["red"])
    fill(2 * BATCH + 1)
    assert rows(company_id)["books"] == 2 * BATCH + 2
    purge()
    settle()
    (purge_id,) = superuser.execute("SELECT id FROM company_purges WHERE company_id = %s", (company_id,)).fetchone()
    total, books = sum(rows(company_id).values()), []
    with acting_as(Context(company_id=company_id, request_id="test-request")):
        more = True
        while more:
            with database.transaction() as session:
                more = PURGES.step(session, purge_id)
            left = sum(rows(company_id).values())
            assert total - left <= BATCH
            total = left
            books.append(rows(company_id).get("books", 0))
    assert {BATCH + 2, 2, 0} <= set(books)
    assert rows(company_id) == {"company_purges": 1}
    assert rows(other) == kept
    assert state() == "done"


def test_what_dies_between_two_portions_goes_on_there(
    *, fill: Any, company_id: int, database: Database, superuser: Any, rows: Any, purge: Any, settle: Any
) -> None:
    fill(BATCH + 1)
    purge()
    settle()
    (purge_id,) = superuser.execute("SELECT id FROM company_purges WHERE company_id = %s", (company_id,)).fetchone()
    # It dies before each commit in turn, and after each.
    for _ in range(30):
        before = rows(company_id)
        with acting_as(Context(company_id=company_id, request_id="test-request")):
            with database.session() as session:
                PURGES.step(session, purge_id)
                session.rollback()
            assert rows(company_id) == before
            with database.transaction() as session:
                more = PURGES.step(session, purge_id)
        if not more:
            break
    assert rows(company_id) == {"company_purges": 1}


def test_it_is_not_done_before_what_was_under_way_has_ended(
    *, create: Any, rows: Any, company_id: int, database: Database, superuser: Any, purge: Any, settle: Any, work: Any,
    state: Any,
) -> None:  # fmt: skip
    assert state() == "waiting"
    with acting_as(Context(company_id=company_id, user_id=7)), database.transaction() as session:
        purge()
        # A request that has looked before, and knows nothing of the purge.
        session.writer.open_connection().execute("SELECT pg_current_xact_id()")
        work()
        assert (state(), rows(company_id)) == ("working", {"company_purges": 1})
        settle()
        work()
        assert state() == "working"
        session.writer.open_connection().execute(
            "INSERT INTO company_refs (company_id, version) VALUES (%s, 1)", (company_id,)
        )
    # What other tests have under way on the same server counts as well, and ends.
    until = time.monotonic() + 30
    while state() == "working" and time.monotonic() < until:
        work()
    assert (state(), rows(company_id)) == ("done", {"company_purges": 1})


def test_what_an_older_job_leaves_behind_goes_within_the_hour(
    *, create: Any, purge: Any, settle: Any, work: Any, state: Any, rows: Any, company_id: int, superuser: Any
) -> None:
    create()
    purge()
    settle()
    work()
    assert state() == "done"
    superuser.execute("INSERT INTO company_refs (company_id, version) VALUES (%s, 1)", (company_id,))
    work()
    assert rows(company_id) == {"company_purges": 1, "company_refs": 1}
    superuser.execute(
        "UPDATE company_purges SET updated_at = now() - interval '61 minutes' WHERE company_id = %s", (company_id,)
    )
    work()
    assert (state(), rows(company_id)) == ("done", {"company_purges": 1})


def test_the_same_event_twice_is_one_purge(
    *, create: Any, purge: Any, settle: Any, work: Any, rows: Any, company_id: int, superuser: Any
) -> None:
    create()
    event = purge()
    purge(again=event)
    settle()
    work()
    query = "SELECT id, changed, finished_at FROM company_purges WHERE company_id = %s"
    first = superuser.execute(query, (company_id,)).fetchall()
    assert len(first) == 1
    assert first[0][2] is not None
    purge(again=event)
    work()
    assert superuser.execute(query, (company_id,)).fetchall() == first


def test_no_company_loses_a_row_that_was_not_purged(create: Any, database: Database, company_id: int) -> None:
    create()
    with acting_as(Context(company_id=company_id)), database.session() as session:
        for table in ("books", "outbox", "failed_messages"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.fetch(company_purges._DELETE, of_table=table, most=1)
            session.rollback()


def test_what_is_noted_cannot_be_taken_back(
    purge: Any, database: Database, company_id: int, urls: DatabaseUrls
) -> None:
    purge()
    with (
        acting_as(Context(company_id=company_id)),
        database.session() as session,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        session.fetch(company_purges._DELETE, of_table="company_purges", most=1)
    with psycopg.connect(urls.app) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(company_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM company_purges")


def test_what_could_not_be_handled_goes_too(
    purge: Any, settle: Any, work: Any, company_id: int, superuser: psycopg.Connection
) -> None:
    keys = [f"{company_id}.author.created.v1", f"{company_id}7.author.created.v1"]
    for key in keys:
        superuser.execute(
            "INSERT INTO failed_messages (consumer, routing_key, body, error, history)"
            " VALUES ('sample', %s, 'x', 'x', '[]')",
            (key,),
        )
    purge()
    settle()
    work()
    left = superuser.execute("SELECT routing_key FROM failed_messages WHERE routing_key = ANY (%s)", (keys,)).fetchall()
    assert left == [(keys[1],)]
