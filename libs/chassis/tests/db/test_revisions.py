"""Waiting for migrations that another process makes."""

import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from chassis.db import revisions


@pytest.fixture
def url(postgres_url: str) -> Iterator[str]:
    """An address of a database that is not there yet; what is made there is dropped."""
    name = f"revisions_{secrets.token_hex(6)}"
    yield make_conninfo(**{**conninfo_to_dict(postgres_url), "dbname": name})
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    for name in ("0001_first.py", "0002_second.py"):
        (tmp_path / "versions" / name).touch()
    return tmp_path


class Waiter(threading.Thread):
    def __init__(self, url: str, folder: Path) -> None:
        super().__init__(daemon=True)
        self._arguments = url, folder
        self.looks = threading.Semaphore(0)
        self.answer: str | None = None

    def run(self) -> None:
        self.answer = revisions.wait_for(*self._arguments, pause=0.01)


@pytest.mark.parametrize("reached", ["0002", "0003"])
def test_it_waits_for_database_table_and_revision(
    url: str, folder: Path, postgres_url: str, reached: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiter = Waiter(url, folder)
    look = revisions._current
    # Each release of the semaphore is a look that found too little.
    monkeypatch.setattr(revisions, "_current", lambda seen: (look(seen), waiter.looks.release())[0])
    waiter.start()

    def looks_again() -> None:
        for _ in range(2):
            assert waiter.looks.acquire(timeout=60)
        assert waiter.is_alive()

    looks_again()
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {conninfo_to_dict(url)['dbname']}")
    looks_again()
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("CREATE TABLE alembic_version (version_num text)")
        looks_again()
        owner.execute("INSERT INTO alembic_version VALUES ('0001')")
        looks_again()
        owner.execute("UPDATE alembic_version SET version_num = %s", (reached,))
        waiter.join(60)
    assert waiter.answer == reached
