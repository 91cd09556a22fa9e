"""Fixtures of the service whose tests folder a test lies in: its database, its application, clients, its outbox.

A service says its `usual_scope` in its own `conftest.py`, and replaces by name whatever is otherwise with it.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import orjson
import psycopg
import pytest

from chassis.context import Context
from chassis.db.session import Database, Session
from chassis.testing.databases import DatabaseUrls
from chassis.testing.fixtures import Client
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication


@pytest.fixture(scope="module")
def own_service(request: pytest.FixtureRequest) -> str:
    """The service that the test's file belongs to: the nearest folder with migrations has its name."""
    for folder in request.path.parents:
        if (folder / "migrations" / "env.py").is_file():
            return folder.name
    raise AssertionError(f"{request.path} is no test of a service")


@pytest.fixture(scope="session")
def database_by_url() -> Iterator[Callable[[str], Database]]:
    """A function from a URL to its database, one for each test process."""
    made: list[Database] = []

    @cache
    def connect(url: str) -> Database:
        made.append(Database(url))
        return made[-1]

    yield connect
    for database in made:
        database.dispose()


@pytest.fixture(scope="session")
def application_by_name(
    application_of: Callable[..., ServiceApplication],
) -> Callable[[str], ServiceApplication]:
    """A function from a service's name to its application, one for each test process."""
    return cache(application_of)


@pytest.fixture(scope="module")
def urls(migrated: Callable[[str], DatabaseUrls], own_service: str) -> DatabaseUrls:
    """The URLs of the service's database."""
    return migrated(own_service)


@pytest.fixture(scope="module")
def database(database_by_url: Callable[[str], Database], urls: DatabaseUrls) -> Database:
    """The service's database as its application's role."""
    return database_by_url(urls.app)


@pytest.fixture
def session(database: Database, acting: Context) -> Iterator[Session]:
    """A session of the test's tenant, which nobody commits."""
    assert acting.company_id is not None
    with database.session() as session:
        yield session


@pytest.fixture
def superuser(urls: DatabaseUrls) -> Iterator[psycopg.Connection]:
    """Sees everything, to arrange and to look behind the service's back."""
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def application(application_by_name: Callable[[str], ServiceApplication], own_service: str) -> ServiceApplication:
    """The service's application on its database."""
    return application_by_name(own_service)


@pytest.fixture(scope="session")
def usual_scope() -> str:
    """What the token of `client` may do."""
    raise AssertionError("the service's tests/conftest.py gives no fixture `usual_scope`: the scope of its `client`")


@pytest.fixture
def client_of(application: ServiceApplication, tokens: TokenFactory, usual_scope: str) -> Callable[..., Client]:
    """A client of a tenant: with another scope than the usual one, or of another user than 7."""

    def build(company_id: int, scope: str = usual_scope, user_id: int = 7) -> Client:
        token = tokens.sign(company_id=company_id, sub=str(user_id), scope=scope)
        return Client(application.test_client(), token)

    return build


@pytest.fixture
def client(client_of: Callable[..., Client], company_id: int) -> Client:
    """A client of the test's tenant."""
    return client_of(company_id)


@pytest.fixture
def published(superuser: psycopg.Connection, company_id: int) -> Callable[..., list[Any]]:
    """The events in the outbox of the test's tenant or another, the oldest first: all of them or those of a type."""

    def read(of_company: int = company_id, event_type: str | None = None) -> list[Any]:
        query = "SELECT body FROM outbox WHERE company_id = %s AND coalesce(type = %s, true) ORDER BY id"
        return [orjson.loads(body) for (body,) in superuser.execute(query, (of_company, event_type)).fetchall()]

    return read


@pytest.fixture
def at_once() -> Callable[..., list[Any]]:
    """Do several things at the same moment, each in a thread of its own; answers what each has answered."""

    def run(*works: Callable[[], Any]) -> list[Any]:
        gate = threading.Barrier(len(works))

        def work_of(work: Callable[[], Any]) -> Any:
            gate.wait()
            return work()

        with ThreadPoolExecutor(len(works)) as pool:
            return list(pool.map(work_of, works))

    return run
