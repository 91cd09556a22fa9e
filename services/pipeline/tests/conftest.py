"""Fixtures of the pipeline service's tests."""

import uuid
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from chassis.testing.importing import RecordImports
from chassis.web.application import ServiceApplication
from pipeline import handlers


@pytest.fixture(scope="session")
def usual_scope() -> str:
    return (
        "leads:read leads:write leads:purge leads:export"
        " deals:read deals:write deals:purge deals:export pipelines:write"
    )


@pytest.fixture
def told(published: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """The events that the tenant's outbox holds, in order; of one table, where it is named."""

    def read(table: str | None = None) -> list[Any]:
        return [event for event in published() if table is None or event["subject"].startswith(f"{table}/")]

    return read


@pytest.fixture
def customer(superuser: psycopg.Connection, company_id: int) -> Callable[..., int]:
    """The id of a new customer that customers has told of."""
    numbers = iter(range(1, 10_000))

    def make(archived_at: str | None = None, merged_into: int | None = None) -> int:
        customer_id = company_id * 10_000 + next(numbers)
        superuser.execute(
            "INSERT INTO customer_refs (company_id, customer_id, version, name, archived_at, merged_into)"
            " VALUES (%s, %s, 1, 'Ada', %s, %s)",
            (company_id, customer_id, archived_at, merged_into),
        )
        return customer_id

    return make


@pytest.fixture
def company(superuser: psycopg.Connection, company_id: int) -> Callable[..., None]:
    """Say where the tenant is and what it counts in."""

    def say(currency: str = "USD", zone: str = "UTC") -> None:
        superuser.execute(
            "INSERT INTO company_refs (company_id, version, default_currency, time_zone) VALUES (%s, 1, %s, %s)"
            " ON CONFLICT (company_id) DO UPDATE SET default_currency = excluded.default_currency,"
            " time_zone = excluded.time_zone",
            (company_id, currency, zone),
        )

    return say


@pytest.fixture
def create_lead(client: Client) -> Callable[..., Any]:
    """Create a lead of a new name, with these values besides; answers it."""

    def build(by: Client = client, **values: Any) -> Any:
        answer = by.post("/v1/leads", json={"lead_name": f"Lead {uuid.uuid4()}"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build


@pytest.fixture
def create_deal(client: Client, customer: Callable[..., int]) -> Callable[..., Any]:
    """Create a deal of a new name, of a new customer unless one is given; answers it."""

    def build(by: Client = client, **values: Any) -> Any:
        given = {"deal_name": f"Deal {uuid.uuid4()}", "deal_value": "1000.00"} | values
        if "customer_id" not in given:
            given["customer_id"] = customer()
        answer = by.post("/v1/deals", json=given)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build


@pytest.fixture
def lead_stages(client: Client) -> dict[str, int]:
    """The ids of the stages of leads, by name."""
    return {row["name"]: row["id"] for row in client.get("/v1/lead-stages").json["data"]}


@pytest.fixture
def deal_stages(client: Client) -> dict[str, int]:
    """The ids of the default pipeline's stages, by code."""
    [pipeline] = client.get("/v1/pipelines?is_default=true").json["data"]
    stages = client.get(f"/v1/pipelines/{pipeline['id']}/stages").json["data"]
    return {row["code"]: row["id"] for row in stages}


@pytest.fixture
def reasons(client: Client) -> dict[str, int]:
    """The ids of the loss reasons, by name."""
    return {row["name"]: row["id"] for row in client.get("/v1/loss-reasons").json["data"]}


@pytest.fixture
def imports(client_of: Callable[..., Client], database: Database, company_id: int) -> RecordImports:
    scope = "leads:read leads:write leads:import leads:purge deals:read deals:write"
    return RecordImports(
        client_of(company_id, scope), "leads", lambda stop: handlers.work_on_lead_imports(database, stop)
    )


@pytest.fixture
def deal_imports(
    client_of: Callable[..., Client], database: Database, company_id: int, application: ServiceApplication
) -> RecordImports:
    """Imports of deals without anybody to ask: rows name customers by ids that were told of."""
    scope = "deals:read deals:write deals:import deals:export"
    return RecordImports(
        client_of(company_id, scope),
        "deals",
        lambda stop: handlers.work_on_deal_imports(database, stop, application.references),
    )
