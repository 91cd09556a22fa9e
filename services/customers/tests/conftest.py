"""Fixtures of the customers service's tests."""

from collections.abc import Callable, Iterator

import psycopg
import pytest

from chassis.context import Context
from chassis.db.session import Database, Session
from chassis.testing.fixtures import Client, DatabaseUrls
from chassis.testing.tokens import TokenFactory
from chassis.web.application import ServiceApplication


@pytest.fixture(scope="session")
def urls(migrated: Callable[[str], DatabaseUrls]) -> DatabaseUrls:
    return migrated("customers")


@pytest.fixture(scope="session")
def database(urls: DatabaseUrls) -> Iterator[Database]:
    database = Database(urls.app)
    yield database
    database.dispose()


@pytest.fixture
def session(database: Database, acting: Context) -> Iterator[Session]:
    with database.session() as session:
        yield session


@pytest.fixture(scope="session")
def application(application_of: Callable[..., ServiceApplication]) -> ServiceApplication:
    return application_of("customers")


@pytest.fixture
def client_of(application: ServiceApplication, tokens: TokenFactory) -> Callable[..., Client]:
    """A client of a tenant, with the scope given."""

    def build(company_id: int, scope: str = "customers:read customers:write") -> Client:
        return Client(application.test_client(), tokens.sign(company_id=company_id, sub="7", scope=scope))

    return build


@pytest.fixture
def client(client_of: Callable[..., Client], company_id: int) -> Client:
    return client_of(company_id)


@pytest.fixture
def superuser(urls: DatabaseUrls) -> Iterator[psycopg.Connection]:
    """Sees everything, to look behind the service's back."""
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        yield connection
