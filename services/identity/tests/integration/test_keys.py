"""Signing keys: made once, sealed at rest, published as long as a token may carry their kid."""

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import jwt
import orjson
import psycopg
import pytest
from cryptography.fernet import Fernet

from chassis.config import SettingsError
from chassis.db.session import Database
from chassis.errors import Unavailable
from chassis.testing.fixtures import DatabaseUrls
from chassis.testing.programs import Programs
from chassis.web.application import ServiceApplication
from identity.keys import IdentitySettings, SigningKeys


@pytest.fixture
def fresh_keys(urls: DatabaseUrls, settings: IdentitySettings, superuser: psycopg.Connection) -> Any:
    """A function that reads the keys anew, as another process would."""
    databases = []

    def make() -> Any:
        databases.append(Database(urls.app))
        return SigningKeys(databases[-1], Fernet(settings.key_encryption_key))

    yield make
    for database in databases:
        database.dispose()


@pytest.fixture
def run(settings: IdentitySettings, programs: Programs) -> Callable[..., Any]:
    environment = {"DATABASE_URL": settings.database_url, "KEY_ENCRYPTION_KEY": settings.key_encryption_key}
    return lambda *arguments: programs.run("-m", "identity.keys", *arguments, environment=environment)


def test_the_published_keys_verify_tokens(http: Any, register: Callable[..., Any]) -> None:
    token = register().answer["access_token"]
    response = http.get("/.well-known/jwks.json")
    assert response.headers["Cache-Control"] == "public, max-age=60"
    found = {key["kid"]: jwt.PyJWK(key) for key in response.json["keys"]}
    key = found[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key.key, algorithms=["RS256"], audience="crm", issuer="crm")


def test_the_published_keys_have_no_private_part(http: Any) -> None:
    for key in http.get("/.well-known/jwks.json").json["keys"]:
        assert set(key) == {"kty", "use", "alg", "kid", "n", "e"}


def test_the_command_line_makes_keys_once_and_prints_the_public_ones(
    run: Callable[..., Any], app: ServiceApplication, http: Any
) -> None:
    made = run("ensure")
    assert made.returncode == 0
    printed = run("public")
    assert printed.returncode == 0, printed.stderr
    keys = orjson.loads(printed.stdout)
    assert orjson.loads(made.stdout) == keys
    assert set(keys) == {key["kid"] for key in http.get("/.well-known/jwks.json").json["keys"]}
    assert all(pem.startswith("-----BEGIN PUBLIC KEY-----") for pem in keys.values())


def test_the_command_line_refuses_to_start_without_settings(settings: IdentitySettings) -> None:
    bare = subprocess.run(
        [sys.executable, "-m", "identity.keys", "public"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert bare.returncode == 78
    assert "DATABASE_URL" in bare.stderr
    assert "KEY_ENCRYPTION_KEY" in bare.stderr


def test_processes_that_start_at_once_agree_on_one_key(
    fresh_keys: Callable[..., Any], app: ServiceApplication, superuser: psycopg.Connection
) -> None:
    superuser.execute("UPDATE signing_keys SET status = 'retired', retired_at = now() - interval '1 day'")
    several = [fresh_keys() for _ in range(3)]

    def ensure(keys: SigningKeys) -> Any:
        keys.ensure()
        keys._database.dispose()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(ensure, several))
    live = superuser.execute("SELECT status FROM signing_keys WHERE status <> 'retired' ORDER BY status").fetchall()
    assert live == [("active",), ("next",)]
    assert len({keys.signer().kid for keys in several}) == 1
    app.extensions["identity"].keys._snapshot = None


def test_a_retired_key_is_published_until_its_last_token_has_expired(
    fresh_keys: Callable[..., Any], app: ServiceApplication, superuser: psycopg.Connection
) -> None:
    kid = fresh_keys().signer().kid
    superuser.execute("UPDATE signing_keys SET status = 'retired', retired_at = now() WHERE kid = %s", (kid,))
    superuser.execute("UPDATE signing_keys SET status = 'active' WHERE status = 'next'")
    keys = fresh_keys()
    assert keys.signer().kid != kid
    assert keys.find(kid) is not None
    superuser.execute("UPDATE signing_keys SET retired_at = now() - interval '16 minutes' WHERE kid = %s", (kid,))
    assert fresh_keys().find(kid) is None
    fresh_keys().ensure()
    app.extensions["identity"].keys._snapshot = None


def test_private_keys_are_sealed_at_rest(
    superuser: psycopg.Connection, app: ServiceApplication, database: Database
) -> None:
    for sealed, public in superuser.execute("SELECT private_sealed, public_pem FROM signing_keys").fetchall():
        assert b"PRIVATE" not in sealed
        assert "PRIVATE" not in public
    with pytest.raises(SettingsError):
        SigningKeys(database, Fernet(Fernet.generate_key())).signer()


def test_a_rotation_is_noticed_within_a_minute(fresh_keys: Callable[..., Any]) -> None:
    keys = fresh_keys()
    first = keys.signer()
    assert keys.signer() is first
    keys._snapshot = replace(keys._snapshot, read_at=keys._snapshot.read_at - 60)
    assert keys.signer() is not first


def test_without_a_key_nobody_signs(fresh_keys: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    keys = fresh_keys()
    monkeypatch.setattr(keys._database, "read", _empty)
    with pytest.raises(Unavailable):
        keys.signer()


def test_known_keys_serve_while_the_database_is_away(
    fresh_keys: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = fresh_keys()
    kid = keys.signer().kid
    monkeypatch.setattr("identity.keys.REFRESH_SECONDS", 0.0)
    monkeypatch.setattr(keys._database, "read", _away)
    assert keys.signer().kid == kid


def _away(statement: str, parameters: object) -> Any:
    raise psycopg.OperationalError("the server is away")


def _empty(statement: str, parameters: object) -> Any:
    return []
