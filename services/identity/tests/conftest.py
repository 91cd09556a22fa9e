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

from chassis.db.session import Database, Session
from chassis.db.statements import Prepared
from chassis.testing.fixtures import Client, DatabaseUrls
from chassis.web.application import ServiceApplication
from identity.app import SERVICE
from identity.commands.answering import answer_login_attempts
from identity.keys import IdentitySettings
from identity.wsgi import trust_own_keys

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
def network() -> Any:
    """The address that a test's requests come from: failures are counted by it, and no test is to pay for another's."""
    return f"10.{secrets.randbelow(256)}.{secrets.randbelow(256)}.{secrets.randbelow(256)}"


@pytest.fixture
def http(app: ServiceApplication, network: str) -> Any:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = network
    return client


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
def ann(register: Callable[..., Any]) -> Any:
    """A company of the test's own, and its founder."""
    return register()


@pytest.fixture
def admin(ann: Any, client_of: Callable[..., Any]) -> Any:
    """A client of that founder."""
    return client_of(ann)


@pytest.fixture
def join(superuser: psycopg.Connection) -> Any:
    """Make a founder a member of another company too."""

    def make(user_id: int, company_id: int, role: str = "user", permissions: object = None) -> Any:
        superuser.execute(
            "INSERT INTO user_companies (company_id, user_id, role, permissions) VALUES (%s, %s, %s, %s)",
            (company_id, user_id, role, permissions and orjson.dumps(permissions).decode()),
        )

    return make


@dataclass(frozen=True)
class Member:
    """Somebody who works for one company, signed in to it."""

    user_id: int
    email: str
    client: Client

    @property
    def path(self) -> str:
        return f"/v1/users/{self.user_id}"


@pytest.fixture
def client_of(http: Any) -> Any:
    """The client of a company's founder."""

    def make(company: Registered) -> Any:
        return Client(http, company.answer["access_token"])

    return make


@pytest.fixture
def hire(superuser: psycopg.Connection, authority: Any, http: Any, log_in: Callable[..., Any]) -> Any:
    """Make a user who works for one company alone, without the letters and events of joining it."""

    def make(company: Registered, role: str = "user", permissions: object = None) -> Any:
        email = f"bob-{next(_numbers)}-{secrets.token_hex(4)}@acme.example"
        row = superuser.execute(
            "INSERT INTO users (email, password_hash, first_name, last_name, is_verified)"
            " VALUES (%s, %s, 'Bob', 'Jones', true) RETURNING id",
            (email, authority.passwords.hash(PASSWORD.encode())),
        ).fetchone()
        assert row is not None
        superuser.execute(
            "INSERT INTO user_companies (company_id, user_id, role, permissions, is_primary)"
            " VALUES (%s, %s, %s, %s, true)",
            (company.company_id, row[0], role, permissions and orjson.dumps(permissions).decode()),
        )
        return Member(row[0], email, Client(http, log_in(email).json["access_token"]))

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
def at_once(app: ServiceApplication, network: str) -> Any:
    """Send one POST per document, all at the same time; answers the responses."""

    def send(path: str, documents: list[Any]) -> Any:
        barrier = Barrier(len(documents))

        def post(document: Any) -> Any:
            barrier.wait(10)
            return app.test_client().post(path, json=document, environ_base={"REMOTE_ADDR": network})

        with ThreadPoolExecutor(len(documents)) as pool:
            return list(pool.map(post, documents))

    return send


@pytest.fixture
def side_by_side(app: ServiceApplication, network: str) -> Any:
    """Call functions with a client each, all at the same time; answers what they answered."""

    def run(calls: list[Callable[[Any], Any]]) -> Any:
        barrier = Barrier(len(calls))

        def call(function: Callable[[Any], Any]) -> Any:
            client = app.test_client()
            client.environ_base["REMOTE_ADDR"] = network
            barrier.wait(10)
            return function(client)

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(call, calls))

    return run


@pytest.fixture
def claims() -> Any:
    """The claims of an access token; whether it is genuine is another test's business."""

    def read(token: str) -> Any:
        return jwt.decode(token, options={"verify_signature": False})

    return read


@pytest.fixture
def letters(superuser: psycopg.Connection) -> Any:
    """The letters to an address that wait to be sent, oldest first: (subject, text)."""

    def read(email: str) -> Any:
        query = "SELECT subject, body FROM mails WHERE recipient = %s AND status = 'pending' ORDER BY id"
        return superuser.execute(query, (email,)).fetchall()

    return read


@pytest.fixture
def token_of() -> Any:
    """The token in the link of a letter."""

    def read(letter: tuple[str, str]) -> Any:
        return letter[1].partition("#token=")[2].split()[0]

    return read


@pytest.fixture
def answer(database: Database) -> Any:
    """The worker's turn at what strangers did."""

    def turn() -> Any:
        return answer_login_attempts(database, "http://127.0.0.1:8080")

    return turn


@pytest.fixture
def later(superuser: psycopg.Connection) -> Any:
    """Let time pass for all throttles."""

    def pass_time(interval: str) -> Any:
        superuser.execute(
            "UPDATE login_throttles SET blocked_until = blocked_until - %(by)s::interval,"
            " updated_at = updated_at - %(by)s::interval",
            {"by": interval},
        )

    return pass_time


@pytest.fixture
def revoked(superuser: psycopg.Connection) -> Any:
    """What the gateways are told to refuse: the ids of sessions, the epochs of users."""

    def read(kind: str, key: object) -> Any:
        query = "SELECT value FROM revocations WHERE kind = %s AND key = %s"
        row = superuser.execute(query, (kind, str(key))).fetchone()
        return None if row is None else row[0]

    return read


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SQL that sessions send while a test runs, in order."""
    seen: list[str] = []
    for name in ("fetch", "run"):
        real = getattr(Session, name)

        def send(session: Session, statement: Prepared, *, real: Any = real, **parameters: Any) -> Any:
            seen.append(statement.sql)
            return real(session, statement, **parameters)

        monkeypatch.setattr(Session, name, send)
    return seen
