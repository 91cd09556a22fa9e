"""The sample service that keeps references, and what its events and tables say."""

from collections.abc import Iterator
from typing import Any

import pytest

from chassis.context import Context, acting_as
from chassis.db.session import Session
from chassis.references import handlers
from chassis.testing.events import hand_to, neighbours_event
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
        data = {"before": document if gone else None, "after": None if gone else document, "changed": []}
        told = neighbours_event(f"customer.{action}", f"customers/{number}", company_id, version, data)
        hand_to(HANDLERS, sample.app, told)

    return take


@pytest.fixture
def kept(sample: Referring, company_id: int) -> Any:
    """What is kept of a customer, or None."""

    def look(number: int = 1) -> Any:
        with acting_as(Context(company_id=company_id)), sample.app.transaction() as session:
            return CUSTOMERS.find(session, [number]).get(number)

    return look
