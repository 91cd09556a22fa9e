"""Fixtures of the audit service's tests."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg
import pytest

from audit import commands
from chassis import events
from chassis.context import Context
from chassis.db.session import Database
from chassis.events import Event, EventType
from chassis.testing.fixtures import Client, DatabaseUrls
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication

UPDATED = EventType("customer", "updated", table="customers")


@pytest.fixture(scope="session")
def urls(migrated: Callable[[str], DatabaseUrls]) -> DatabaseUrls:
    return migrated("audit")


@pytest.fixture(scope="session")
def ingest(urls: DatabaseUrls) -> Iterator[Database]:
    """The database as the consumer's role."""
    database = Database(urls.ingest)
    yield database
    database.dispose()


@pytest.fixture
def event_of(company_id: int) -> Callable[..., Event]:
    """Makes events of the test's tenant as a consumer gets them: encoded by the chassis and decoded again."""

    def make(event_type: EventType = UPDATED, **changes: Any) -> Event:
        circumstances: dict[str, Any] = {
            "company_id": company_id,
            "user_id": 7,
            "request_id": "request-1",
            "client_ip": "203.0.113.9",
            "user_agent": "curl/8",
        }
        source = changes.pop("source", "customers")
        given = {name: changes.pop(name) for name in circumstances if name in changes}
        content: dict[str, Any] = {
            "record_id": 1,
            "before": {"name": "Old"},
            "after": {"name": "New"},
            "occurred_at": datetime.now(UTC),
        } | changes
        body = events.encode(
            event_type,
            source=source,
            event_id=events.new_id(),
            occurred_at=content["occurred_at"],
            record_id=content["record_id"],
            aggregate_version=1,
            context=Context(**(circumstances | given)),
            before=orjson.dumps(content["before"]),
            after=orjson.dumps(content["after"]),
            changed=["name"],
        )
        return events.decode(body)

    return make


@pytest.fixture
def record(ingest: Database) -> Callable[..., None]:
    """Records events in one transaction, as the consumer does."""

    def run(*batch: Event) -> None:
        with ingest.transaction() as session:
            commands.record_events(session, batch)

    return run


@pytest.fixture
def superuser(urls: DatabaseUrls) -> Iterator[psycopg.Connection]:
    """Sees everything, to look behind the service's back."""
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def application(application_of: Callable[..., ServiceApplication]) -> ServiceApplication:
    return application_of("audit")


@pytest.fixture
def client_of(application: ServiceApplication, tokens: TokenFactory) -> Callable[..., Client]:
    """A client of a tenant, with the scope given."""

    def build(company_id: int, scope: str = "audit:read") -> Client:
        return Client(application.test_client(), tokens.sign(company_id=company_id, sub="7", scope=scope))

    return build


@pytest.fixture
def client(client_of: Callable[..., Client], company_id: int) -> Client:
    return client_of(company_id)
