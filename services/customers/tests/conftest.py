"""Fixtures of the customers service's tests."""

import csv
import io
import uuid
from collections.abc import Callable
from threading import Event as Flag
from typing import Any

import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import Client
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication
from customers import handlers

_IMPORTS = "/v1/customers/imports"
_CONTENT = "application/octet-stream"


@pytest.fixture(scope="session")
def usual_scope() -> str:
    return "customers:read customers:write"


@pytest.fixture
def client_as(
    application: ServiceApplication, tokens: TokenFactory, superuser: psycopg.Connection, company_id: int
) -> Callable[[int, str], Client]:
    """A client of the user 7 or 8 of the company, whom customers can be assigned to, with the scope given."""
    for user_id in (7, 8):
        superuser.execute("INSERT INTO user_refs (company_id, user_id) VALUES (%s, %s)", (company_id, user_id))

    def build(user_id: int, scope: str) -> Client:
        return Client(application.test_client(), tokens.sign(company_id=company_id, sub=str(user_id), scope=scope))

    return build


@pytest.fixture
def create() -> Callable[..., Any]:
    """Create a customer of a new name, with these values besides; answers it."""

    def build(client: Client, **values: Any) -> Any:
        answer = client.post("/v1/customers", json={"name": f"Ada {uuid.uuid4()}"} | values)
        assert answer.status_code == 201, answer.json
        return answer.json

    return build


@pytest.fixture
def merge() -> Callable[..., Any]:
    """Merge customers, as they were when they were read, into the first of them."""

    def run(
        client: Client, target: Any, *sources: Any, fields: Any = None, version: Any = None, path: str = "merge"
    ) -> Any:
        given = [{"id": source["id"], "version": source["version"]} for source in sources]
        body = {"from": given, "fields": fields or {}}
        return client.post(f"/v1/customers/{target['id']}/{path}", json=body, version=version or target["version"])

    return run


class Imports:
    """A client of imports, with a worker that works when it is told to."""

    def __init__(self, client: Client, database: Database, company_id: int) -> None:
        self.client = client
        self.company_id = company_id
        self._database = database

    def begin(self, content: bytes, *, parts: int = 1, **options: Any) -> Any:
        begun = self.client.post(_IMPORTS, json={"filename": "customers.csv", **options})
        assert begun.status_code == 201, begun.text
        path = f"{_IMPORTS}/{begun.json['id']}"
        size = -(-len(content) // parts)
        for number in range(parts):
            body = content[number * size : (number + 1) * size]
            put = self.client.request("PUT", f"{path}/parts/{number + 1}", data=body, content_type=_CONTENT)
            assert put.status_code == 204, put.text
        return self.client.post(f"{path}/uploaded", json={"parts": parts})

    def work(self) -> None:
        handlers.work_on_imports(self._database, Flag())

    def step(self, import_id: int, action: str) -> Any:
        answer = self.client.post(f"{_IMPORTS}/{import_id}/{action}")
        assert answer.status_code in (200, 202), answer.text
        self.work()
        return self.get(import_id)

    def get(self, import_id: int) -> Any:
        return self.client.get(f"{_IMPORTS}/{import_id}").json

    def run(self, content: bytes, **options: Any) -> Any:
        begun = self.begin(content, **options)
        assert begun.status_code == 200, begun.text
        validated = self.step(begun.json["id"], "validate")
        assert validated["state"] == "awaiting_confirmation", validated
        return self.step(begun.json["id"], "start")

    def errors(self, import_id: int, severity: str = "error") -> Any:
        return self.client.get(f"{_IMPORTS}/{import_id}/errors?severity={severity}").json["data"]

    def names(self) -> list[str]:
        rows: list[dict[str, str]] = self.client.get("/v1/customers?limit=100").json["data"]
        return sorted(row["name"] for row in rows)

    @staticmethod
    def table(*rows: tuple[str, ...], delimiter: str = ",") -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=delimiter).writerows(rows)
        return text.getvalue().encode()


@pytest.fixture
def imports_of(client_of: Callable[..., Client], database: Database) -> Callable[[int], Imports]:
    """The imports of a tenant."""
    scope = "customers:read customers:write customers:import"
    return lambda company_id: Imports(client_of(company_id, scope), database, company_id)


@pytest.fixture
def imports(imports_of: Callable[[int], Imports], company_id: int) -> Imports:
    return imports_of(company_id)
