"""The audit log only grows: no role changes it, the consumer cannot read it, the web cannot write it."""

from collections.abc import Callable

import psycopg
import pytest

from chassis.events import Event
from chassis.testing.fixtures import DatabaseUrls

CHANGES = {
    "update": "UPDATE {table} SET action = 'forged' WHERE event_id = %(id)s",
    "delete": "DELETE FROM {table} WHERE event_id = %(id)s",
    "truncate": "TRUNCATE {table}",
}


@pytest.fixture
def recorded(event_of: Callable[..., Event], record: Callable[..., None]) -> Event:
    event = event_of()
    record(event)
    return event


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["app", "ingest", "relay", "owner", "superuser"])
def test_a_row_can_be_neither_changed_nor_removed(urls: DatabaseUrls, recorded: Event, role: str, change: str) -> None:
    with psycopg.connect(getattr(urls, role)) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(recorded.company_id),))
        statement = CHANGES[change].format(table="audit_logs")
        parameters = {"id": recorded.id} if "%" in statement else None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement, parameters)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("role", ["app", "ingest", "relay", "owner"])
def test_a_partition_is_no_way_around(
    urls: DatabaseUrls, recorded: Event, superuser: psycopg.Connection, role: str, change: str
) -> None:
    query = "SELECT tableoid::regclass::text FROM audit_logs WHERE event_id = %s AND action = 'updated'"
    partition = superuser.execute(query, (recorded.id,)).fetchall()
    statement = CHANGES[change].format(table=partition[0][0])
    with psycopg.connect(getattr(urls, role)) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(recorded.company_id),))
        try:
            # The owner may try and sees no row there: row-level security is forced and the partition has no policy.
            assert connection.execute(statement, {"id": recorded.id} if "%" in statement else None).rowcount == 0
        except psycopg.errors.InsufficientPrivilege:
            connection.rollback()
    assert superuser.execute(query, (recorded.id,)).fetchall() == partition


def test_the_consumer_cannot_read_the_log(urls: DatabaseUrls, recorded: Event) -> None:
    with psycopg.connect(urls.ingest) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(recorded.company_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT id FROM audit_logs")


@pytest.mark.parametrize("table", ["outbox", "idempotency_keys"])
def test_the_consumer_has_no_other_tables(urls: DatabaseUrls, table: str) -> None:
    with psycopg.connect(urls.ingest) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT FROM {table}")


@pytest.mark.parametrize("role", ["app", "relay"])
def test_only_the_consumer_adds_rows(urls: DatabaseUrls, company_id: int, role: str) -> None:
    with psycopg.connect(getattr(urls, role)) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(company_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO audit_logs"
                " (company_id, event_id, event_type, source, table_name, record_id, action, created_at)"
                " VALUES (%s, gen_random_uuid(), 'forged', 'forged', 'customers', 1, 'forged', now())",
                (company_id,),
            )


@pytest.mark.parametrize("function", ["ensure_audit_partitions(0)", "close_audit_partition('audit_logs_default')"])
def test_the_relay_runs_no_function_of_the_log(urls: DatabaseUrls, function: str) -> None:
    with psycopg.connect(urls.relay) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT {function}")


def test_row_level_security_alone_hides_other_tenants(urls: DatabaseUrls, recorded: Event) -> None:
    with psycopg.connect(urls.app, autocommit=True) as connection:
        query = "SELECT count(*) FROM audit_logs WHERE event_id = %s"
        assert connection.execute(query, (recorded.id,)).fetchone() == (0,)
        connection.execute("SELECT set_config('app.company_id', %s, false)", (str(recorded.company_id + 1),))
        assert connection.execute(query, (recorded.id,)).fetchone() == (0,)
        connection.execute("SELECT set_config('app.company_id', %s, false)", (str(recorded.company_id),))
        assert connection.execute(query, (recorded.id,)).fetchone() == (1,)
