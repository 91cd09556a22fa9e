"""The log of a purged company goes, but for the entry that says so; nobody else's loses an entry, and none comes late."""

from collections.abc import Callable
from threading import Event as Flag
from typing import Any

import psycopg
import pytest

from audit.app import SERVICE
from audit.handlers import on_events
from chassis.context import NOBODY, acting_as
from chassis.db.company_purges import BATCH, CompanyPurges, purged_among
from chassis.db.session import Database
from chassis.events import Event, EventType
from chassis.testing.fixtures import DatabaseUrls
from chassis.testing.purges import let_purge_settle

PURGED = EventType("company", "purged", table="companies")
PURGES = CompanyPurges(SERVICE.metadata)


@pytest.fixture
def hear(ingest: Database) -> Callable[..., None]:
    """Take events in one transaction, as the consumer does."""

    def run(*batch: Event) -> None:
        with acting_as(NOBODY), ingest.transaction() as session:
            on_events(session, batch)

    return run


@pytest.fixture
def entries(superuser: psycopg.Connection) -> Callable[[int], list[str]]:
    """The types of a company's entries."""

    def read(company: int) -> list[str]:
        rows = superuser.execute("SELECT event_type FROM audit_logs WHERE company_id = %s ORDER BY id", (company,))
        return [row[0] for row in rows.fetchall()]

    return read


@pytest.fixture
def purged(event_of: Callable[..., Event], company_id: int) -> Event:
    return event_of(PURGED, source="identity", record_id=company_id, before={"id": company_id}, after=None)


@pytest.fixture
def settled(superuser: psycopg.Connection, company_id: int) -> Callable[[], None]:
    def wait() -> None:
        let_purge_settle(superuser, company_id)

    return wait


def test_all_entries_go_but_the_one_that_says_who_did_it(
    *, hear: Any, event_of: Any, purged: Event, company_id: int, entries: Any, settled: Any, database: Database,
    superuser: psycopg.Connection,
) -> None:  # fmt: skip
    other = company_id + 500_000_000
    hear(*(event_of() for _ in range(BATCH + 5)), event_of(company_id=other))
    # What comes in one transaction with the purge, before it or behind.
    hear(event_of(), purged, event_of())
    hear(purged)
    settled()
    PURGES.work(database, Flag())
    assert entries(company_id) == [PURGED.name]
    assert entries(other) == ["crm.customer.updated.v1"]
    query = "SELECT user_id, record_id, new_values FROM audit_logs WHERE company_id = %s"
    assert superuser.execute(query, (company_id,)).fetchall() == [(7, company_id, None)]


def test_the_consumer_is_told_whose_events_to_leave_aside(
    ingest: Database, hear: Any, purged: Event, company_id: int
) -> None:
    hear(purged)
    with acting_as(NOBODY), ingest.session() as session:
        assert purged_among(session, {company_id, company_id + 1}) == {company_id}


@pytest.fixture
def half_purged(hear: Any, event_of: Any, purged: Event, company_id: int) -> tuple[Event, Event]:
    """An entry and the purge of its company, which the job has not been at yet."""
    entry = event_of()
    hear(entry, purged)
    return entry, purged


@pytest.mark.parametrize("role", ["app", "ingest", "relay"])
def test_no_role_of_a_process_deletes_by_itself(
    urls: DatabaseUrls, half_purged: tuple[Event, Event], company_id: int, role: str
) -> None:
    with psycopg.connect(getattr(urls, role)) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(company_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM audit_logs WHERE event_id = %s", (half_purged[0].id,))


@pytest.mark.parametrize("role", ["app", "relay"])
def test_nobody_but_the_consumer_notes_a_purge(urls: DatabaseUrls, company_id: int, role: str) -> None:
    with psycopg.connect(getattr(urls, role)) as connection:
        connection.execute("SELECT set_config('app.company_id', %s, true)", (str(company_id),))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(
                "INSERT INTO company_purges (company_id, event_id, correlation_id) VALUES (%s, gen_random_uuid(), 'x')",
                (company_id,),
            )


@pytest.mark.parametrize("role", ["owner", "superuser"])
def test_the_entry_of_the_purge_stays_and_once_it_is_done_all_is_refused_again(
    *, urls: DatabaseUrls, half_purged: tuple[Event, Event], settled: Any, database: Database, record: Any,
    event_of: Any, role: str,
) -> None:  # fmt: skip
    with psycopg.connect(getattr(urls, role), autocommit=True) as connection:
        delete, change = "DELETE FROM audit_logs WHERE event_id = %s", "UPDATE audit_logs SET action = 'x'"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(delete, (half_purged[1].id,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"{change} WHERE event_id = %s", (half_purged[0].id,))
        settled()
        PURGES.work(database, Flag())
        late = event_of()
        record(late)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(delete, (late.id,))
