"""Partitions: one a month, made ahead of time, with a net below them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from threading import Event as Flag

import psycopg
import pytest

from audit import commands, handlers
from chassis.db.session import Database
from chassis.events import Event
from chassis.testing.databases import create_database, drop_database
from chassis.testing.fixtures import DatabaseUrls


@pytest.fixture(scope="module")
def urls(postgres_url: str) -> Iterator[DatabaseUrls]:
    """A database of these tests alone, which drop its partitions."""
    urls = create_database(postgres_url, "audit")
    yield urls
    drop_database(postgres_url, urls)


@pytest.fixture(autouse=True)
def kept_up(urls: DatabaseUrls, ingest: Database) -> None:
    """The worker has worked in this month: the database may have been made in the one before."""
    handlers.ensure_partitions(ingest, Flag())


def months_from_now(count: int) -> datetime:
    """The middle of the month that is `count` months away."""
    now = datetime.now(UTC)
    month = now.year * 12 + now.month - 1 + count
    return datetime(month // 12, month % 12 + 1, 15, tzinfo=UTC)


def partition_of(superuser: psycopg.Connection, event: Event) -> str:
    query = "SELECT tableoid::regclass::text FROM audit_logs WHERE event_id = %s"
    return str(superuser.execute(query, (event.id,)).fetchall()[0][0])


@pytest.mark.parametrize("months", [-1, 0, 1, 2, 3])
def test_the_months_around_now_have_partitions(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, months: int
) -> None:
    event = event_of(occurred_at=months_from_now(months))
    record(event)
    assert partition_of(superuser, event) == f"audit_logs_{event.time:y%Ym%m}"


def test_months_begin_and_end_in_utc(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection
) -> None:
    begin = months_from_now(1).replace(day=1)
    first = event_of(occurred_at=begin)
    last = event_of(occurred_at=datetime.fromtimestamp(begin.timestamp() - 0.000001, UTC))
    record(first, last)
    assert partition_of(superuser, first) == f"audit_logs_{months_from_now(1):y%Ym%m}"
    assert partition_of(superuser, last) == f"audit_logs_{months_from_now(0):y%Ym%m}"


@pytest.mark.parametrize("year", [1970, 2199])
def test_a_row_of_any_time_finds_a_place(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, year: int
) -> None:
    event = event_of(occurred_at=datetime(year, 1, 1, tzinfo=UTC))
    record(event)
    assert partition_of(superuser, event) == "audit_logs_default"


def test_the_schedule_makes_nothing_that_is_there(ingest: Database) -> None:
    handlers.ensure_partitions(ingest, Flag())
    with ingest.transaction() as session:
        assert commands.ensure_partitions(session) == 0


def forget(superuser: psycopg.Connection, *months: int) -> None:
    """Be a log whose worker has not run for so long that these months have no partitions."""
    for count in months:
        superuser.execute(f"DROP TABLE IF EXISTS audit_logs_{months_from_now(count):y%Ym%m}")


def row_of(superuser: psycopg.Connection, event: Event) -> tuple[object, ...] | None:
    return superuser.execute("SELECT * FROM audit_logs WHERE event_id = %s", (event.id,)).fetchone()


@pytest.mark.parametrize("role", ["app", "ingest"])
def test_rows_in_the_default_partition_move_to_their_month(
    event_of: Callable[..., Event],
    record: Callable[..., None],
    superuser: psycopg.Connection,
    urls: DatabaseUrls,
    role: str,
) -> None:
    forget(superuser, 6)
    event, stray = event_of(occurred_at=months_from_now(6)), event_of(occurred_at=datetime(2199, 1, 1, tzinfo=UTC))
    record(event, stray)
    assert partition_of(superuser, event) == "audit_logs_default"
    before = row_of(superuser, event)
    with psycopg.connect(getattr(urls, role)) as connection:
        connection.execute("SELECT ensure_audit_partitions(6)")
    assert partition_of(superuser, event) == f"audit_logs_{event.time:y%Ym%m}"
    assert row_of(superuser, event) == before
    assert partition_of(superuser, stray) == "audit_logs_default"


def test_nothing_is_lost_while_nobody_makes_partitions_and_all_is_put_in_order_afterwards(
    event_of: Callable[..., Event], record: Callable[..., None], superuser: psycopg.Connection, ingest: Database
) -> None:
    months = (-30, -3, -2, -1, 0, 1)
    forget(superuser, *range(-3, 4), -30)
    events = [event_of(occurred_at=months_from_now(count)) for count in months]
    older = event_of(occurred_at=months_from_now(-130))
    record(*events, older)
    assert {partition_of(superuser, event) for event in (*events, older)} == {"audit_logs_default"}
    before = [row_of(superuser, event) for event in events]
    with ingest.transaction() as session:
        assert commands.ensure_partitions(session) == len({*months, *range(-1, commands.MONTHS_AHEAD + 1)})
    assert [partition_of(superuser, event) for event in events] == [f"audit_logs_{e.time:y%Ym%m}" for e in events]
    assert [row_of(superuser, event) for event in events] == before
    assert partition_of(superuser, older) == "audit_logs_default"
    with ingest.transaction() as session:
        assert commands.ensure_partitions(session) == 0


def test_moving_rows_has_no_deadline(ingest: Database) -> None:
    with ingest.transaction() as session:
        commands.ensure_partitions(session)
        assert session.writer.open_connection().execute("SHOW statement_timeout").fetchone() == ("0",)


@pytest.mark.parametrize("months", [-1, 25, None])
def test_the_number_of_months_is_bounded(urls: DatabaseUrls, months: int | None) -> None:
    with (
        psycopg.connect(urls.ingest) as connection,
        pytest.raises(psycopg.errors.InvalidParameterValue),
    ):
        connection.execute("SELECT ensure_audit_partitions(%s::integer)", (months,))


def test_every_partition_is_closed_by_itself(superuser: psycopg.Connection) -> None:
    open_ones = superuser.execute(
        """
        SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_logs'::regclass AND NOT (c.relrowsecurity AND c.relforcerowsecurity
            AND (c.relacl IS NULL OR cardinality(c.relacl) = 0)
            AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'refuse_truncate')
            AND EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND t.tgname = 'refuse_change'))
        """
    ).fetchall()
    assert open_ones == []
