"""pytest fixtures over a real PostgreSQL; `postgres_url`, a superuser's URL, comes from the runner's plugin."""

import itertools
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import orjson
import psycopg
import pytest
from alembic import command
from flask.testing import FlaskClient
from psycopg import sql
from sqlalchemy.engine import make_url
from werkzeug.test import TestResponse

from chassis.config import Settings
from chassis.context import Context, acting_as
from chassis.db import migrations
from chassis.db.session import Database
from chassis.service import load
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication

ROLES = ("owner", "app", "relay", "ingest")
_PASSWORD = "only-on-loopback"
_tenants = itertools.count(secrets.randbelow(10**6) * 1000 + 1)


@dataclass(frozen=True)
class DatabaseUrls:
    """The URLs of one migrated database, by role."""

    superuser: str
    owner: str
    app: str
    relay: str
    ingest: str


@pytest.fixture(scope="session")
def migrated(postgres_url: str) -> Iterator[Callable[[str], DatabaseUrls]]:
    """A function from a service's name to its database, built by its migrations once per test process."""
    built: dict[str, DatabaseUrls] = {}

    def build(service: str) -> DatabaseUrls:
        if service not in built:
            built[service] = create_database(postgres_url, service)
        return built[service]

    yield build
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        for urls in built.values():
            name = sql.Identifier(cast("str", make_url(urls.owner).database))
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def create_database(postgres_url: str, service: str) -> DatabaseUrls:
    """Create the roles of a service and a database of its own, and migrate it; answers the URLs."""
    name = f"{service}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{secrets.token_hex(3)}"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        # Workers share the server's roles; the lock keeps two from creating one at a time.
        connection.execute("SELECT pg_advisory_lock(1)")
        for role in ROLES:
            present = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (f"{service}_{role}",)).fetchone()
            if present is None:
                statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(f"{service}_{role}"), sql.Literal(_PASSWORD)))
        owner = sql.Identifier(f"{service}_owner")
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), owner))
    base = make_url(postgres_url).set(database=name)
    superuser = base.render_as_string(hide_password=False)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for role in ROLES[1:]:
            grant = sql.SQL("GRANT USAGE ON SCHEMA public TO {}")
            connection.execute(grant.format(sql.Identifier(f"{service}_{role}")))
    roles = {
        role: base.set(username=f"{service}_{role}", password=_PASSWORD).render_as_string(hide_password=False)
        for role in ROLES
    }
    urls = DatabaseUrls(superuser=superuser, **roles)
    os.environ["OWNER_DATABASE_URL"] = urls.owner
    command.upgrade(migrations.configuration(load(service).migrations), "head")
    return urls


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
    """A function from a service's name (and settings to replace) to its application on its migrated database."""
    databases: list[Database] = []

    def build(name: str, **changes: Any) -> ServiceApplication:
        service = load(name)
        settings = replace(_settings(service.settings, migrated(name).app, jwks_url), **changes)
        databases.append(Database(settings.database_url))
        return ServiceApplication(service, settings, databases[-1])

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
