"""Identity on a real PostgreSQL: its application, companies that have registered, and a look behind the scenes."""

import itertools
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Barrier
from typing import Any

import jwt
import orjson
import psycopg
import pytest
from cryptography.fernet import Fernet

from chassis.db.session import Database
from chassis.testing.fixtures import DatabaseUrls
from chassis.web.application import ServiceApplication
from identity.app import SERVICE, trust_own_keys
from identity.keys import IdentitySettings

PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Registered:
    """A company that has registered, and its founder."""

    answer: dict[str, Any] = field(repr=False)
    email: str
    password: str = PASSWORD

    @property
    def company_id(self) -> Any:
        return self.answer["company"]["id"]

    @property
    def user_id(self) -> Any:
        return self.answer["user"]["id"]

    @property
    def headers(self) -> Any:
        return {"Authorization": f"Bearer {self.answer['access_token']}"}


@pytest.fixture(scope="session")
def urls(migrated: Callable[[str], DatabaseUrls]) -> Any:
    return migrated("identity")


@pytest.fixture(scope="session")
def settings(urls: DatabaseUrls) -> Any:
    return IdentitySettings(
        database_url=urls.app,
        cursor_secret="c" * 32,
        key_encryption_key=Fernet.generate_key().decode(),
        bcrypt_cost=4,
    )


@pytest.fixture(scope="session")
def database(settings: IdentitySettings) -> Any:
    database = Database(settings.database_url, pool_size=20)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def app(settings: IdentitySettings, database: Database) -> Any:
    app = ServiceApplication(SERVICE, settings, database)
    trust_own_keys(app)
    app.extensions["identity"].keys.ensure()
    return app


@pytest.fixture
def authority(app: ServiceApplication) -> Any:
    return app.extensions["identity"]


@pytest.fixture
def http(app: ServiceApplication) -> Any:
    return app.test_client()


@pytest.fixture
def superuser(urls: DatabaseUrls) -> Any:
    """A connection that row-level security does not hold back, to arrange and to inspect."""
    with psycopg.connect(urls.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture
def body() -> Any:
    """A registration that nobody made before; keyword arguments replace fields of the user."""

    def make(**user: str) -> Any:
        mark = f"{next(_numbers)}-{secrets.token_hex(4)}"
        return {
            "company": {"name": "Acme Corporation", "email": f"info-{mark}@acme.example"},
            "user": {
                "email": f"Ann-{mark}@acme.example",
                "password": PASSWORD,
                "first_name": "Ann",
                "last_name": "Smith",
                **user,
            },
        }

    return make


@pytest.fixture
def register(http: Any, body: Callable[..., Any]) -> Any:
    """Register a company over HTTP."""

    def make(**user: str) -> Any:
        document = body(**user)
        response = http.post("/v1/auth/register", json=document)
        assert response.status_code == 201, response.text
        return Registered(response.json, document["user"]["email"], document["user"]["password"])

    return make


@pytest.fixture
def join(superuser: psycopg.Connection) -> Any:
    """Make a founder a member of another company too."""

    def make(user_id: int, company_id: int, role: str = "user", permissions: object = None) -> Any:
        superuser.execute(
            "INSERT INTO user_companies (company_id, user_id, role, permissions) VALUES (%s, %s, %s, %s)",
            (company_id, user_id, role, permissions and orjson.dumps(permissions).decode()),
        )

    return make


@pytest.fixture
def log_in(http: Any) -> Any:
    def make(email: str, password: str = PASSWORD, **more: object) -> Any:
        return http.post("/v1/auth/login", json={"email": email, "password": password, **more})

    return make


@pytest.fixture
def refresh(http: Any) -> Any:
    def make(token: str) -> Any:
        return http.post("/v1/auth/refresh", json={"refresh_token": token})

    return make


@pytest.fixture
def at_once(app: ServiceApplication, database: Database) -> Any:
    """Send one POST per document, all at the same time; answers the responses."""

    def send(path: str, documents: list[Any]) -> Any:
        barrier = Barrier(len(documents))

        def post(document: Any) -> Any:
            barrier.wait(10)
            try:
                return app.test_client().post(path, json=document)
            finally:
                database._local.reader.close()  # The thread's own, which it would leave open behind.

        with ThreadPoolExecutor(len(documents)) as pool:
            return list(pool.map(post, documents))

    return send


@pytest.fixture
def claims() -> Any:
    """The claims of an access token; whether it is genuine is another test's business."""

    def read(token: str) -> Any:
        return jwt.decode(token, options={"verify_signature": False})

    return read


@pytest.fixture
def published(superuser: psycopg.Connection) -> Any:
    """The events in the outbox of a company, oldest first."""

    def read(company_id: int) -> Any:
        rows = superuser.execute("SELECT body FROM outbox WHERE company_id = %s ORDER BY id", (company_id,)).fetchall()
        return [orjson.loads(row[0]) for row in rows]

    return read
