"""The sample service that keeps references, and what its events and tables say."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from chassis.context import Context, acting_as
from chassis.db.session import Session
from chassis.events import Event
from chassis.references import handlers
from chassis.testing.referring import CUSTOMERS, REFERENCES, Referring, referring

HANDLERS = handlers(*REFERENCES)


@pytest.fixture(scope="module")
def sample(postgres_url: str) -> Iterator[Referring]:
    with referring(postgres_url) as databases:
        yield databases


@pytest.fixture
def session(sample: Referring, acting: Context) -> Iterator[Session]:
    with sample.app.transaction() as session:
        yield session


@pytest.fixture
def hear(sample: Referring, company_id: int) -> Any:
    """Have the handler take an event about a customer, in a transaction of its own."""

    def take(action: str, version: int, number: int = 1, **values: Any) -> None:
        document = {"id": number, "version": version, "name": f"V{version}", "credit_limit": "1.50"} | values
        gone = action == "purged"
        event = Event(
            id=str(uuid.uuid4()),
            source="customers",
            type=f"crm.customer.{action}.v1",
            subject=f"customers/{number}",
            time=datetime.now(UTC),
            company_id=company_id,
            aggregate_version=version,
            actor=None,
            actor_ip=None,
            user_agent=None,
            correlation_id="test",
            causation_id=None,
            traceparent=None,
            data={"before": document if gone else None, "after": None if gone else document, "changed": []},
        )
        context = Context(company_id=company_id, request_id="test", causation_id=event.id)
        with acting_as(context), sample.app.transaction() as session:
            HANDLERS[event.type](session, event)

    return take


@pytest.fixture
def kept(sample: Referring, company_id: int) -> Any:
    """What is kept of a customer, or None."""

    def look(number: int = 1) -> Any:
        with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
            return CUSTOMERS.find(session, [number]).get(number)

    return look
