"""Backups: sealed, complete or not there, verified, kept for their time, and restored in the place of what was."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pyrage
import pytest
from psycopg import sql
from pyrage import x25519

from chassis.testing.databases import create_database, drop_database
from crm import programs
from crm.backup import dumps as dumps_module
from crm.backup.dumps import Dumps
from crm.backup.sealing import Seal
from crm.backup.shelf import MANIFEST, Part, Shelf
from crm.errors import OperatorError

BEGAN = datetime(2026, 11, 28, 2, 15, tzinfo=UTC)
SERVICE = "customers"


@pytest.fixture(scope="module")
def identity():
    return x25519.Identity.generate()


@pytest.fixture
def database(postgres_url, monkeypatch):
    """A migrated database of its own, which is the only service there is."""
    urls = create_database(postgres_url, SERVICE)
    name = urls.superuser.rpartition("/")[2]
    monkeypatch.setattr(dumps_module, "SERVICES", {name: ()})
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(f"{name}_owner")))
    yield urls, name
    for leftover in (name, f"{name}_replaced", f"{name}_restoring"):
        drop_database(postgres_url, replace(urls, owner=urls.owner.replace(name, leftover)))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(f"{name}_owner")))


@pytest.fixture
def dumps(postgres_url, identity):
    base = postgres_url.rpartition("/")[0]
    return Dumps(lambda name: f"{base}/{name}", programs.postgres_folder(), Seal(str(identity)))


@pytest.fixture
def secrets(tmp_path):
    path = tmp_path / "secrets.json"
    path.write_text('{"a": "very secret"}')
    return path


def count(urls):
    with psycopg.connect(urls.superuser) as connection:
        return connection.execute("SELECT count(*) FROM industries").fetchone()[0]


def add(urls, name):
    with psycopg.connect(urls.superuser) as connection:
        connection.execute("INSERT INTO industries (company_id, name) VALUES (1, %s)", (name,))


def test_what_is_restored_is_what_was_there_and_the_rest_stays_aside(*, database, dumps, secrets, tmp_path):
    urls, name = database
    add(urls, "Mining")
    backup = dumps.make(Shelf(tmp_path / "backups"), secrets)
    add(urls, "Farming")
    dumps.restore(backup, name)
    assert count(urls) == 1
    assert count(replace(urls, superuser=f"{urls.superuser}_replaced")) == 2
    # Rights and walls are part of it.
    with psycopg.connect(urls.superuser) as connection:
        query = "SELECT relrowsecurity, relforcerowsecurity, relowner::regrole::text FROM pg_class WHERE relname = 'customers'"
        assert connection.execute(query).fetchone() == (True, True, "customers_owner")
        granted = "SELECT has_table_privilege('customers_app', 'customers', 'INSERT'), has_table_privilege('customers_app', 'inbox', 'DELETE')"
        assert connection.execute(granted).fetchone() == (True, False)
    dumps.restore(backup, name)
    assert count(urls) == 1


def test_nobody_reads_a_backup_without_its_key_and_any_age_does_with_it(
    *, database, dumps, secrets, tmp_path, identity
):
    urls, name = database
    add(urls, "Quite unmistakable")
    backup = dumps.make(Shelf(tmp_path / "backups"), secrets)
    for path in backup.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert b"unmistakable" not in path.read_bytes()
        assert b"very secret" not in path.read_bytes()
    assert pyrage.decrypt(backup.path("secrets").read_bytes(), [identity]) == b'{"a": "very secret"}'
    assert pyrage.decrypt(backup.path(name).read_bytes(), [identity]).startswith(b"PGDMP")
    stranger = Dumps(lambda _: "", programs.postgres_folder(), Seal(str(x25519.Identity.generate())))
    with pytest.raises(OperatorError, match=r"another key|failed"):
        list(stranger.verify(backup))


def test_verifying_finds_every_kind_of_damage(*, database, dumps, secrets, tmp_path):
    _, name = database
    backup = dumps.make(Shelf(tmp_path / "backups"), secrets)
    assert [part for part, _ in dumps.verify(backup, full=True)] == [name, "secrets"]
    path = backup.path(name)
    whole = path.read_bytes()
    for damaged in (whole[:-10], whole[:500] + bytes([whole[500] ^ 1]) + whole[501:], b""):
        path.write_bytes(damaged)
        with pytest.raises(OperatorError, match="not what was written"):
            list(dumps.verify(backup))
    path.unlink()
    with pytest.raises(OperatorError, match="is missing"):
        list(dumps.verify(backup))


def test_a_dump_that_fails_leaves_no_backup_and_a_restoration_that_fails_leaves_what_was_there(
    *, database, dumps, secrets, tmp_path, monkeypatch
):
    urls, name = database
    shelf = Shelf(tmp_path / "backups")
    backup = dumps.make(shelf, secrets)
    monkeypatch.setattr(dumps_module, "SERVICES", {name: (), "nothing_there": ()})
    with pytest.raises(psycopg.OperationalError):
        dumps.make(shelf, secrets)
    assert [each.name for each in shelf.all()] == [backup.name]
    path = backup.path(name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(OperatorError):
        dumps.restore(backup, name)
    assert count(urls) == 0


def test_backups_are_kept_for_their_time_and_the_newest_for_ever(tmp_path):
    shelf = Shelf(tmp_path)
    made = []
    for days in (60, 31, 29, 0):
        began = BEGAN - timedelta(days=days)
        made.append(shelf.finish(shelf.begin(began), began, {"customers": Part("x", 1, "", "")}).name)
    assert shelf.prune(timedelta(days=30), BEGAN) == made[:2]
    assert [each.name for each in shelf.all()] == made[2:]
    assert shelf.prune(timedelta(days=30), BEGAN + timedelta(days=365)) == [made[2]]
    assert shelf.get(None).name == made[3]
    with pytest.raises(OperatorError, match=made[3]):
        shelf.get(made[0])


def test_what_was_never_finished_is_no_backup_and_goes_after_a_day(tmp_path):
    shelf = Shelf(tmp_path)
    unfinished = shelf.begin(BEGAN)
    (unfinished / MANIFEST).write_text(json.dumps({}))
    assert shelf.all() == []
    now = datetime.now(UTC)
    shelf.prune(timedelta(days=30), now)
    assert unfinished.exists()
    shelf.prune(timedelta(days=30), now + timedelta(days=2))
    assert not unfinished.exists()


def test_a_key_that_is_none_is_refused():
    with pytest.raises(OperatorError, match="AGE-SECRET-KEY"):
        Seal("hello")
