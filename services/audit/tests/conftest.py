"""Fixtures of the audit service's tests."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from audit import commands
from chassis import events
from chassis.context import Context
from chassis.db.session import Database
from chassis.events import Event, EventType
from chassis.testing.fixtures import DatabaseUrls

UPDATED = EventType("customer", "updated", table="customers")


@pytest.fixture(scope="session")
def usual_scope() -> str:
    return "audit:read"


@pytest.fixture(scope="module")
def ingest(database_by_url: Callable[[str], Database], urls: DatabaseUrls) -> Database:
    """The database as the consumer's role."""
    return database_by_url(urls.ingest)


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
