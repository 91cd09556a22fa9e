"""pytest fixtures over a real PostgreSQL; `postgres_url`, a superuser's URL, comes from the runner's plugin."""

import itertools
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from chassis.config import Settings
from chassis.context import Context, acting_as
from chassis.db.session import Database
from chassis.references.asking import References
from chassis.service import load
from chassis.testing.databases import DatabaseUrls, create_database, drop_database
from chassis.testing.failures import HeldClient
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication

# A machine that stands still for a moment is no neighbour that is down.
PATIENCE_SECONDS = 30.0

_tenants = itertools.count(secrets.randbelow(10**6) * 1000 + 1)


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Iterator[Callable[[str], DatabaseUrls]]:
    """A function from a service's name to its database, as its migrations build it, one for each test process."""
    built: dict[str, DatabaseUrls] = {}

    def build(service: str) -> DatabaseUrls:
        if service not in built:
            built[service] = create_database(postgres_url, service)
        return built[service]

    yield build
    for urls in built.values():
        drop_database(postgres_url, urls)


@pytest.fixture(scope="session")
def tokens() -> TokenFactory:
    """Signs access tokens that the applications of `application_of` accept."""
    return TokenFactory()


@pytest.fixture(scope="session")
def jwks_url(tokens: TokenFactory, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a document with the public key of `tokens`."""
    path: Path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_bytes(orjson.dumps(tokens.jwks))
    return path.as_uri()


@pytest.fixture(scope="session")
def application_of(
    migrated: Callable[[str], DatabaseUrls], jwks_url: str
) -> Iterator[Callable[..., ServiceApplication]]:
    """A function from a service's name (and settings to replace) to its application on its migrated database.

    `patience` is how many seconds it waits for another service: long, except where a test is about that.
    """
    databases: list[Database] = []

    def build(name: str, *, patience: float = PATIENCE_SECONDS, **changes: Any) -> ServiceApplication:
        service = load(name)
        settings = replace(_settings(service.settings, migrated(name).app, jwks_url), **changes)
        databases.append(Database(settings.database_url))
        application = ServiceApplication(service, settings, databases[-1])
        application.references = References(service.references, settings, databases[-1], seconds=patience)
        application.test_client_class = HeldClient
        return application

    yield build
    for database in databases:
        database.dispose()


def _settings(kind: type[Settings], database_url: str, jwks_url: str) -> Settings:
    return kind(database_url=database_url, jwks_url=jwks_url, cursor_secret="c" * 32)


@pytest.fixture
def company_id() -> int:
    """A tenant that no other test has: tests need not clean up after one another."""
    return next(_tenants)


@dataclass(frozen=True)
class Client:
    """A caller of one service with a token; answers werkzeug's test responses."""

    http: FlaskClient
    token: str | None = None

    def request(self, method: str, path: str, **options: Any) -> TestResponse:
        """Send a request with the token; `version` becomes If-Match."""
        headers = dict(options.pop("headers", {}))
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        if "version" in options:
            headers["If-Match"] = f'"{options.pop("version")}"'
        return self.http.open(path, method=method, headers=headers, **options)

    def get(self, path: str, **options: Any) -> TestResponse:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        """POST."""
        return self.request("POST", path, **options)

    def patch(self, path: str, **options: Any) -> TestResponse:
        """PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        """DELETE."""
        return self.request("DELETE", path, **options)


@pytest.fixture
def acting(company_id: int) -> Iterator[Context]:
    """The test runs as user 7 of its own tenant, with a request id."""
    with acting_as(Context(company_id=company_id, user_id=7, request_id="test-request")) as context:
        yield context
