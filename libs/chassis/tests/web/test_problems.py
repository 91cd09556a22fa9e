"""Failures as problems: what went wrong inside is in the log, and no text of it in the answer."""

import psycopg
import pytest
from flask import Flask
from structlog.testing import capture_logs

from chassis.errors import Conflict
from chassis.testing import logs
from chassis.web import problems

SECRET = "the-key-of-the-safe"
FAILURES = {
    "exception": (500, "internal_error", None),
    "no such table": (500, "internal_error", 'SELECT * FROM "the-key-of-the-safe"'),
    "syntax": (500, "internal_error", 'SELEKT "the-key-of-the-safe"'),
    "bad value": (422, "invalid_value", "SELECT 'the-key-of-the-safe'::bigint"),
    "too long": (422, "invalid_value", "SELECT cast(repeat('x', 300) || 'the-key-of-the-safe' AS json)"),
    "unique": (409, "already_exists", "INSERT INTO safes VALUES ('the-key-of-the-safe'), ('the-key-of-the-safe')"),
    "named constraint": (
        409,
        "safe_exists",
        "INSERT INTO named VALUES ('the-key-of-the-safe'), ('the-key-of-the-safe')",
    ),
    "not null": (
        422,
        "invalid_value",
        "INSERT INTO safes VALUES (nullif('the-key-of-the-safe', 'the-key-of-the-safe'))",
    ),
}
TABLES = """
    CREATE TEMPORARY TABLE safes (key text UNIQUE NOT NULL);
    CREATE TEMPORARY TABLE named (key text CONSTRAINT uq_named UNIQUE);
"""


@pytest.fixture
def client(postgres_url):
    """A client of an application whose one route fails as the path says."""
    app = Flask("test")
    problems.register(app, {"uq_named": Conflict("safe_exists", "There is such a safe already.")})

    @app.get("/<failure>")
    def fail(failure):
        statement = FAILURES[failure][2]
        if statement is None:
            raise RuntimeError(SECRET)
        with psycopg.connect(postgres_url) as connection:
            connection.execute(TABLES)
            connection.execute(statement)

    return app.test_client()


@pytest.mark.parametrize("failure", FAILURES)
def test_no_failure_shows_what_went_wrong_inside(client, failure):
    status, code, _ = FAILURES[failure]
    logs.configure()
    with capture_logs() as logged:
        answer = client.get(f"/{failure}")
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.content_type == "application/problem+json"
    text = answer.get_data(as_text=True)
    for telling in (SECRET, "safes", "relation", "syntax", "bigint", 'json"', "uq_named", "RuntimeError", "Traceback"):
        assert telling not in text.replace("application/problem+json", "")
    # Whoever is asked about a 500 finds it.
    assert (status != 500) or any(SECRET in repr(entry) for entry in logged)
