"""Fixtures of the sample service's tests."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from chassis.testing.fixtures import Client


@pytest.fixture(scope="session")
def usual_scope() -> str:
    return "shelves:write shelves:purge books:read books:write books:purge books:export"


@pytest.fixture
def known(superuser: psycopg.Connection, company_id: int) -> None:
    """The users 7 and 8 are known and active."""
    for user_id in (7, 8):
        superuser.execute(
            "INSERT INTO user_refs (company_id, user_id) VALUES (%s, %s) ON CONFLICT DO NOTHING", (company_id, user_id)
        )


@pytest.fixture
def shelf(client: Client) -> Any:
    """A shelf of the test's tenant."""
    return client.post("/v1/shelves", json={"name": "Poetry"}).json


@pytest.fixture
def create(client: Client, shelf: Any) -> Callable[..., Any]:
    """Put a book on the shelf, with these values besides; answers it."""

    def build(**values: Any) -> Any:
        answer = client.post("/v1/books", json={"shelf_id": shelf["id"], "title": "Notes"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build
