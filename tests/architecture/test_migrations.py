"""Migrations: numbered, in one line, in agreement with the models, and safe to run beside the old version."""

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from chassis.db import migrations
from chassis.service import Service
from chassis.testing.fixtures import DatabaseUrls

NAME = re.compile(r"(\d{4})_[a-z][a-z0-9_]*\.py\Z")

# squawk's rules that do not hold here, each with the reason.
EXCLUDED = {
    "prefer-text-field": "the seeds give lengths, and a wider varchar has needed no rewrite since PostgreSQL 9.2",
    "ban-char-field": "the seeds ask for CHAR where a length is fixed",
    "prefer-bigint-over-int": "versions, attempts and minutes do not reach two thousand million; ids are BIGINT",
    "prefer-bigint-over-smallint": "HTTP status codes and attempts",
    "require-lock-timeout": "chassis.db.migrations sets it for the connection",
    "require-statement-timeout": "a migration may work for long as long as it does not wait for locks",
}


def test_migrations_are_numbered_without_gap(root: Path, service_name: str) -> None:
    files = sorted(path.name for path in (root / "services" / service_name / "migrations/versions").glob("*.py"))
    assert files
    assert [name for name in files if not NAME.match(name)] == []
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))


def test_migrations_form_one_line_in_the_order_of_their_numbers(service: Service) -> None:
    scripts = ScriptDirectory.from_config(migrations.configuration(service.migrations))
    assert len(scripts.get_heads()) == 1
    line = [Path(script.path).name[:4] for script in scripts.walk_revisions()]
    assert line == sorted(line, reverse=True)
    assert [script.revision for script in scripts.walk_revisions()] == line


def test_the_models_say_what_the_migrations_built(migrated: Callable[[str], DatabaseUrls], service: Service) -> None:
    url = make_url(migrated(service.name).superuser).set(drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.connect() as connection:
        partitions = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition")))

        def ours(_: Any, name: str | None, kind: str, __: bool, ___: Any) -> bool:
            return not (kind == "table" and name in partitions)

        options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
        differences = compare_metadata(MigrationContext.configure(connection, opts=options), service.metadata)
    engine.dispose()
    assert differences == []


def test_every_check_of_the_models_is_in_the_database_and_the_reverse(
    migrated: Callable[[str], DatabaseUrls], service: Service
) -> None:
    """Alembic compares no check constraints."""
    engine = create_engine(make_url(migrated(service.name).superuser).set(drivername="postgresql+psycopg"))
    query = "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace"
    with engine.connect() as connection:
        built = set(connection.scalars(text(query)))
    engine.dispose()
    declared = {
        str(constraint.name) if str(constraint.name).startswith("ck_") else f"ck_{table.name}_{constraint.name}"
        for table in service.metadata.tables.values()
        for constraint in table.constraints
        if constraint.__visit_name__ == "check_constraint"
    }
    assert built == declared


@pytest.fixture
def written(service: Service, monkeypatch: pytest.MonkeyPatch) -> str:
    """The SQL of all migrations of the service, as `alembic upgrade --sql` writes it."""
    monkeypatch.delenv("OWNER_DATABASE_URL", raising=False)
    configuration = migrations.configuration(service.migrations)
    configuration.output_buffer = io.StringIO()
    command.upgrade(configuration, "head", sql=True)
    return configuration.output_buffer.getvalue()


def test_squawk_finds_nothing(written: str, tmp_path: Path) -> None:
    path = tmp_path / "migrations.sql"
    path.write_text(written)
    squawk = str(Path(sys.executable).with_name("squawk"))
    options = ["--pg-version", "15.0", "--reporter", "Gcc", f"--exclude={','.join(EXCLUDED)}"]
    done = subprocess.run([squawk, *options, str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.replace(str(tmp_path), "")) == (0, ""), done.stderr
