"""Rotating the signing keys: one at a time, never to a key that somebody does not know yet."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import orjson
import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url

from chassis.db.session import Database
from chassis.testing.databases import DatabaseUrls, create_database
from chassis.testing.programs import Programs
from chassis.testing.waiting import wait_until
from identity.keys import AFTERLIFE, SigningKeys, new_key
from identity.rotation import YOUNGEST, RotationRefused, list_keys, revoke, rotate

SEALER_KEY = Fernet.generate_key().decode()


@pytest.fixture(scope="module")
def own_urls(postgres_url: str) -> Any:
    """A database for these tests alone, so that no other test signs with their keys."""
    urls = create_database(postgres_url, "identity")
    yield urls
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{make_url(urls.owner).database}" WITH (FORCE)')


@pytest.fixture
def owner(own_urls: DatabaseUrls) -> Any:
    database = Database(own_urls.owner)
    yield database
    database.dispose()


@pytest.fixture
def keys(own_urls: DatabaseUrls, inspect: psycopg.Connection) -> Any:
    """Two new keys, old enough to be rotated; answers how a process reads them anew."""
    inspect.execute("DELETE FROM signing_keys")
    database = Database(own_urls.app)
    SigningKeys(database, Fernet(SEALER_KEY)).ensure()
    inspect.execute("UPDATE signing_keys SET created_at = now() - %s", (YOUNGEST,))
    yield lambda: SigningKeys(database, Fernet(SEALER_KEY))
    database.dispose()


@pytest.fixture
def inspect(own_urls: DatabaseUrls) -> Any:
    with psycopg.connect(own_urls.superuser, autocommit=True) as connection:
        yield connection


@pytest.fixture
def new() -> Any:
    return lambda: new_key(Fernet(SEALER_KEY))


def statuses(inspect: psycopg.Connection) -> dict[str, str]:
    return dict(inspect.execute("SELECT kid, status FROM signing_keys").fetchall())


@pytest.fixture
def command(own_urls: DatabaseUrls, programs: Programs) -> Callable[..., Any]:
    def run(*arguments: str, **changes: str) -> Any:
        environment = {
            "DATABASE_URL": own_urls.app,
            "OWNER_DATABASE_URL": own_urls.owner,
            "KEY_ENCRYPTION_KEY": SEALER_KEY,
            **changes,
        }
        return programs.run("-m", "identity.keys", *arguments, environment=environment)

    return run


def test_the_next_key_signs_the_old_one_is_good_for_a_while_and_a_new_one_waits(
    owner: Database, keys: Callable[[], SigningKeys], new: Callable[[], Any], inspect: psycopg.Connection
) -> None:
    signed, known = keys().signer().kid, keys().public()
    done = rotate(owner, new())
    after = keys()
    assert (done.retired, done.active) == (signed, after.signer().kid)
    assert done.active in known
    assert set(after.public()) == {done.retired, done.active, done.next}
    assert statuses(inspect) == {done.retired: "retired", done.active: "active", done.next: "next"}
    inspect.execute("UPDATE signing_keys SET retired_at = now() - %s WHERE kid = %s", (AFTERLIFE, done.retired))
    assert set(keys().public()) == {done.active, done.next}


def test_a_key_that_not_everybody_knows_yet_is_not_let_sign(
    owner: Database, keys: Callable[[], SigningKeys], new: Callable[[], Any], inspect: psycopg.Connection
) -> None:
    rotate(owner, new())
    before = statuses(inspect)
    with pytest.raises(RotationRefused, match=r"only [0-9] s old, .* try again in 1[78][0-9] s"):
        rotate(owner, new())
    assert statuses(inspect) == before
    assert rotate(owner, new(), force=True).retired in before


def test_the_first_two_keys_are_published_together_and_so_may_be_rotated_at_once(
    own_urls: DatabaseUrls, owner: Database, new: Callable[[], Any], inspect: psycopg.Connection
) -> None:
    inspect.execute("DELETE FROM signing_keys")
    database = Database(own_urls.app)
    SigningKeys(database, Fernet(SEALER_KEY)).ensure()
    database.dispose()
    assert rotate(owner, new()).next
    with pytest.raises(RotationRefused, match="only 0 s old"):
        rotate(owner, new())


@pytest.mark.parametrize("force", [False, True])
def test_of_rotations_at_once_one_is_made(
    own_urls: DatabaseUrls,
    keys: Callable[[], SigningKeys],
    new: Callable[[], Any],
    inspect: psycopg.Connection,
    force: bool,
) -> None:
    barrier = Barrier(4)
    databases = [Database(own_urls.owner) for _ in range(4)]
    made = [new() for _ in databases]

    def one(number: int) -> bool:
        barrier.wait(10)
        try:
            rotate(databases[number], made[number], force=force)
        except RotationRefused:
            return False
        finally:
            databases[number].dispose()
        return True

    # Holds them up until all have read which key signs.
    inspect.execute("BEGIN")
    inspect.execute("LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE")
    with ThreadPoolExecutor(4) as pool:
        attempts = [pool.submit(one, number) for number in range(4)]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'signing_keys'::regclass"
        wait_until(lambda: inspect.execute(waiting).fetchone(), 60, so=lambda found: found == (4,))
        inspect.execute("COMMIT")
        assert sorted(attempt.result() for attempt in attempts) == [False, False, False, True]
    assert sorted(statuses(inspect).values()) == ["active", "next", "retired"]


def test_a_rotation_that_fails_half_way_changes_nothing(
    owner: Database, keys: Callable[[], SigningKeys], new: Callable[[], Any], inspect: psycopg.Connection
) -> None:
    before = statuses(inspect)
    with pytest.raises(psycopg.IntegrityError):
        rotate(owner, {**new(), "kid": next(iter(before))})
    assert statuses(inspect) == before


def test_a_revoked_key_is_published_no_longer_and_only_a_retired_one_can_be(
    owner: Database, keys: Callable[[], SigningKeys], new: Callable[[], Any]
) -> None:
    done = rotate(owner, new())
    for kid in (done.active, done.next, "unknown"):
        with pytest.raises(RotationRefused, match="no retired key"):
            revoke(owner, kid)
    revoke(owner, done.retired)
    revoke(owner, done.retired)
    assert set(keys().public()) == {done.active, done.next}
    assert [key["status"] for key in list_keys(owner)].count("revoked") == 1


def test_the_web_process_can_rotate_nothing(keys: Callable[[], SigningKeys], new: Callable[[], Any]) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rotate(keys()._database, new())
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        revoke(keys()._database, "any")


def test_the_commands_do_as_they_say(
    command: Callable[..., Any], keys: Callable[[], SigningKeys], inspect: psycopg.Connection
) -> None:
    listed = orjson.loads(command("list").stdout)
    assert sorted(key["status"] for key in listed) == ["active", "next"]
    assert set(listed[0]) == {"kid", "status", "created_at", "retired_at"}
    done = command("rotate")
    assert (done.returncode, done.stderr) == (0, "")
    kids = orjson.loads(done.stdout)
    assert statuses(inspect)[kids["retired"]] == "retired"
    refused = command("rotate")
    assert (refused.returncode, refused.stdout) == (75, "")
    assert refused.stderr.startswith("The next key is only")
    assert "Traceback" not in refused.stderr
    assert command("rotate", "--force").returncode == 0
    assert command("revoke", kids["retired"]).returncode == 0
    assert command("revoke", "unknown").returncode == 75
    assert kids["retired"] not in orjson.loads(command("public").stdout)
    assert command("rotat").returncode == 1
    assert "OWNER_DATABASE_URL" in command("rotate", OWNER_DATABASE_URL="").stderr


def test_without_keys_there_is_nothing_to_rotate(
    owner: Database, keys: Callable[[], SigningKeys], new: Callable[[], Any], inspect: psycopg.Connection
) -> None:
    inspect.execute("DELETE FROM signing_keys")
    with pytest.raises(RotationRefused, match=r"identity\.keys ensure"):
        rotate(owner, new())
