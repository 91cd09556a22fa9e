"""Fixtures of the tests over all services."""

import threading
import uuid
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from e2e.collector import Collector
from werkzeug.serving import make_server

from chassis.db.session import Database
from chassis.service import load
from chassis.testing.batteries import Owner, load_battery, services
from chassis.testing.databases import create_database, drop_database
from chassis.testing.fixtures import Client
from chassis.web.application import ServiceApplication
from crm.settings import for_tests
from crm.stack import Stack
from gateway.render import Limits
from identity import rules
from identity.app import SERVICE
from identity.keys import IdentitySettings
from identity.routes.authority import authority

SERVICE_KEY = "services-key-" + "k" * 32
SERVICES = services(Path(__file__).parents[2])


@pytest.fixture(scope="session")
def service_key():
    """What opens the internal routes of `identity`."""
    return SERVICE_KEY


@pytest.fixture(scope="session")
def identity_urls(postgres_url):
    """A database of identity for these tests alone: its signing keys are sealed with their own key."""
    urls = create_database(postgres_url, "identity")
    yield urls
    drop_database(postgres_url, urls)


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
    yield {name: identity if name == "identity" else application_of(name) for name in SERVICES}
    database.dispose()


@pytest.fixture(scope="session")
def batteries():
    """What each service tells of itself."""
    return {name: load_battery(name) for name in SERVICES}


@pytest.fixture(scope="module")
def superusers(migrated, identity_urls):
    """A superuser's connection to each service's database."""
    urls = {name: identity_urls if name == "identity" else migrated(name) for name in SERVICES}
    connections = {name: psycopg.connect(url.superuser, autocommit=True) for name, url in urls.items()}
    yield connections
    for connection in connections.values():
        connection.close()


@pytest.fixture(scope="session")
def found(applications):
    """Register a company whose texts hold a mark: identity answers only to users that there are."""

    def register(mark):
        body = {
            "company": {"name": mark, "email": f"info@{mark}.example"},
            "user": {
                "email": f"ada@{mark}.example",
                "password": "correct horse battery",
                "first_name": mark,
                "last_name": "Lovelace",
            },
        }
        answer = Client(applications["identity"].test_client()).post("/v1/auth/register", json=body)
        assert answer.status_code == 201, answer.json
        return answer.json

    return register


@pytest.fixture(scope="module")
def owner_of(applications, superusers, tokens):
    """An admin of a company at one service."""

    def build(service, company_id, user_id):
        scope = rules.scope_of(rules.SCOPES["admin"])
        token = tokens.sign(company_id=company_id, sub=str(user_id), role="admin", scope=scope)
        return Owner(company_id, user_id, Client(applications[service].test_client(), token), superusers[service])

    return build


def pytest_collection_modifyitems(items):
    """What asks for the system as in production comes last: one stack serves all, and changes its settings once."""
    items.sort(key=lambda item: "guarded" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def collector():
    """What `guarded` sends its traces to."""
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(scope="session")
def guarded(stack, collector):
    """The system as in production: it hashes in earnest, limits what one address may try, and is traced.

    The plain one is gone by then.
    """
    # Every guide registers companies of its own, all from one address.
    limits = Limits(principal_per_10s=None, tenant_per_10s=None, register_per_minute=60)
    settings = for_tests(bcrypt_cost=12, web_workers=2, limits=limits, trace_collector=collector.url)
    strict = Stack(stack.home, settings, attached=True)
    strict.up()
    return strict


class Serving:
    """A service behind HTTP: counts what it is asked, and calls `meanwhile` between its answer and its sending."""

    def __init__(self, application):
        self._application = application
        self.asked = []
        self.meanwhile = lambda: None
        self.server = make_server("127.0.0.1", 0, self, threaded=True)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __call__(self, environ, start_response):
        self.asked.append(environ["PATH_INFO"])
        body = list(self._application(environ, start_response))
        # The thread ends with its request, and would leave its connection behind.
        if getattr(self._application.database._local, "reader", None) is not None:
            self._application.database._forget_reader()
        self.meanwhile()
        return body


@contextmanager
def served(service, application):
    """A service behind HTTP, for others that have the services' key."""
    settings = replace(application.config["SETTINGS"], service_key=SERVICE_KEY)
    serving = Serving(ServiceApplication(service, settings, application.database))
    thread = threading.Thread(target=serving.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.server.shutdown()
    thread.join()
    serving.server.server_close()


@pytest.fixture(scope="module")
def serving(applications):
    with served(SERVICE, applications["identity"]) as identity:
        yield identity


@pytest.fixture(scope="module")
def customers_serving(applications):
    """The customers service behind HTTP."""
    with served(load("customers"), applications["customers"]) as customers:
        yield customers


@pytest.fixture
def identity(serving):
    serving.asked.clear()
    serving.meanwhile = lambda: None
    return serving


@pytest.fixture
def hire(identity_urls):
    """Make a member in identity's database, without an event; answers the user's id."""

    def make(company_id, **membership):
        values = {"status": "active"} | membership
        with psycopg.connect(identity_urls.superuser, autocommit=True) as connection:
            connection.execute(
                "INSERT INTO companies (id, name, email) VALUES (%s, 'Acme', %s) ON CONFLICT DO NOTHING",
                (company_id, f"c{company_id}@acme.example"),
            )
            user = connection.execute(
                "INSERT INTO users (email, password_hash, first_name, last_name) VALUES (%s, 'x', 'Bob', 'Jones')"
                " RETURNING id",
                (f"bob-{uuid.uuid4()}@acme.example",),
            ).fetchone()[0]
            connection.execute(
                "INSERT INTO user_companies (company_id, user_id, role, status, version) VALUES (%s, %s, 'user', %s, 3)",
                (company_id, user, values["status"]),
            )
        return user

    return make


@pytest.fixture(scope="module")
def customers_urls(migrated):
    """The database of the customers service that a module's tests look into."""
    return migrated("customers")


@pytest.fixture
def superuser(customers_urls):
    with psycopg.connect(customers_urls.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture
def kept(superuser, company_id):
    """What the customers service keeps of a user of the test's company."""

    def look(user_id, of_company=company_id):
        query = "SELECT name, is_active, version FROM user_refs WHERE company_id = %s AND user_id = %s"
        return superuser.execute(query, (of_company, user_id)).fetchone()

    return look


@pytest.fixture
def membership():
    """A membership as identity's events show it."""

    def build(user_id, membership_id, version, name, *, is_active=True):
        first, last = name.split()
        user = {"first_name": first, "last_name": last, "email": None, "is_active": is_active}
        return {"id": membership_id, "version": version, "user_id": user_id, "status": "active", "user": user}

    return build


@pytest.fixture
def database_of(migrated):
    made = []

    def build(service):
        made.append(Database(migrated(service).app))
        return made[-1]

    yield build
    for database in made:
        database.dispose()
