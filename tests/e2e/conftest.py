"""Fixtures of the tests over all services."""

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from chassis.db.session import Database
from chassis.testing.fixtures import create_database
from chassis.web.application import ServiceApplication
from identity.app import SERVICE
from identity.keys import IdentitySettings
from identity.routes.authority import authority


@pytest.fixture(scope="session")
def identity_urls(postgres_url):
    """A database of identity for these tests alone: its signing keys are sealed with their own key."""
    urls = create_database(postgres_url, "identity")
    yield urls
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{make_url(urls.owner).database}" WITH (FORCE)')


@pytest.fixture(scope="session")
def applications(application_of, identity_urls, jwks_url):
    """Every service's application; all of them trust the test's tokens."""
    settings = IdentitySettings(
        database_url=identity_urls.app,
        jwks_url=jwks_url,
        cursor_secret="c" * 32,
        key_encryption_key=Fernet.generate_key().decode(),
        bcrypt_cost=4,
    )
    database = Database(settings.database_url)
    identity = ServiceApplication(SERVICE, settings, database)
    with identity.app_context():
        authority().keys.ensure()
    yield {"identity": identity, "customers": application_of("customers"), "audit": application_of("audit")}
    database.dispose()
