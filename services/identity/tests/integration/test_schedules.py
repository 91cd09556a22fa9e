"""What the worker does by itself, with the settings that it is given: it has been told no key."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event as Flag
from typing import Any

import psycopg
import pytest

from chassis.db.session import Database
from chassis.testing.fixtures import DatabaseUrls
from identity import handlers


@pytest.fixture
def no_other_letters(superuser: psycopg.Connection) -> None:
    """What other tests have left is not due: a turn that sent all of it might end before the letters of this one."""
    superuser.execute("UPDATE mails SET next_attempt_at = now() + interval '1 day' WHERE status = 'pending'")


@pytest.fixture
def worker(
    monkeypatch: pytest.MonkeyPatch, urls: DatabaseUrls, tmp_path: Path, no_other_letters: None
) -> Iterator[Any]:
    """The environment of a worker; keyword arguments replace or, as None, remove settings."""

    def told(**changes: str | None) -> None:
        settings = {
            "DATABASE_URL": urls.app,
            "MAIL_URL": (tmp_path / "mail").as_uri(),
            "MAIL_FROM": "CRM <crm@crm.example>",
            "APP_URL": "https://crm.example/app/",
            "KEY_ENCRYPTION_KEY": None,
        }
        for name, value in (settings | changes).items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)
        handlers.letters.forget_settings()

    yield told
    handlers.letters.forget_settings()


def test_a_wish_for_a_new_password_becomes_a_letter_in_one_turn(
    http: Any, register: Callable[..., Any], worker: Any, database: Database, tmp_path: Path
) -> None:
    worker()
    ann = register()
    http.post("/v1/auth/password/forgot", json={"email": ann.email})
    handlers.answer_login_attempts(database, Flag())
    texts = [path.read_text() for path in (tmp_path / "mail").iterdir() if f"To: {ann.email}" in path.read_text()]
    assert any("https://crm.example/app/reset-password#token=" in text for text in texts)
    assert len(texts) == 2


def test_without_a_mail_server_letters_wait_and_the_rest_goes_on(
    *,
    http: Any,
    register: Callable[..., Any],
    worker: Any,
    database: Database,
    letters: Callable[..., Any],
    capfd: pytest.CaptureFixture[str],
) -> None:
    worker(MAIL_URL=None)
    ann = register()
    http.post("/v1/auth/password/forgot", json={"email": ann.email})
    for _ in range(2):
        handlers.answer_login_attempts(database, Flag())
    assert len(letters(ann.email)) == 2
    assert "".join(capfd.readouterr()).count("mail_not_configured") == 1


def test_what_is_past_its_time_is_deleted_and_nothing_else(
    register: Callable[..., Any], database: Database, superuser: psycopg.Connection
) -> None:
    ann = register()
    mark = str(ann.user_id)
    ages = {
        "login_throttles": (
            timedelta(days=1),
            "INSERT INTO login_throttles (key, failures, updated_at) VALUES (%s, 1, %s)",
        ),
        "login_attempts": (
            timedelta(days=1),
            "INSERT INTO login_attempts (kind, email, request_id, created_at) VALUES ('sign_in_failed', %s, '-', %s)",
        ),
    }
    for table, (age, insert) in ages.items():
        for name, when in (("old", age + timedelta(minutes=1)), ("new", age - timedelta(minutes=1))):
            key: Any = f"{name}-{mark}"
            key = key.encode() if table == "login_throttles" else key
            row = superuser.execute("SELECT now() - %s", (when,)).fetchone()
            assert row is not None
            superuser.execute(insert, (key, row[0]))
    superuser.execute(
        "UPDATE mails SET status = 'sent', body = NULL, updated_at = now() - interval '31 days' WHERE company_id = %s",
        (ann.company_id,),
    )
    handlers.purge_identity(database, Flag())
    handlers.letters.purge(database, Flag())
    throttles = "SELECT convert_from(key, 'UTF8') FROM login_throttles WHERE key IN (%s, %s)"
    keys = (f"old-{mark}".encode(), f"new-{mark}".encode())
    assert superuser.execute(throttles, keys).fetchall() == [(f"new-{mark}",)]
    attempts = "SELECT email FROM login_attempts WHERE email LIKE %s"
    assert superuser.execute(attempts, (f"%-{mark}",)).fetchall() == [(f"new-{mark}",)]
    mails = "SELECT count(*) FROM mails WHERE company_id = %s"
    assert superuser.execute(mails, (ann.company_id,)).fetchone() == (0,)
    sessions = "SELECT count(*) FROM sessions WHERE company_id = %s"
    assert superuser.execute(sessions, (ann.company_id,)).fetchone() == (1,)
