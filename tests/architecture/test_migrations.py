"""Migrations: numbered, in one line, in agreement with the models, and safe to run beside the old version."""

import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, create_engine, text
from sqlalchemy.engine import make_url

from chassis.db import migrations
from chassis.service import Service
from chassis.testing.fixtures import DatabaseUrls
from crm.upgrading import contracts

NAME = re.compile(r"(\d{4})_[a-z][a-z0-9_]*\.py\Z")

# What is compared of a schema's tables; `t` is a table, without partitions, whose shape is their parent's, and without
# Alembic's own.
ASPECTS = {
    "tables": "SELECT t.relname, pg_get_partkeydef(t.oid) FROM tables t",
    "columns": """
        SELECT t.relname, attname, format_type(atttypid, atttypmod), attnotnull, attidentity, attgenerated,
            pg_get_expr(adbin, adrelid)
        FROM tables t JOIN pg_attribute ON attrelid = t.oid AND attnum > 0 AND NOT attisdropped
        LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    """,
    "constraints": """
        SELECT t.relname, conname, pg_get_constraintdef(c.oid) FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid
    """,
    "indexes": """
        SELECT t.relname, replace(replace(pg_get_indexdef(indexrelid), t.relnamespace::regnamespace || '.', ''), 'public.', '')
        FROM tables t JOIN pg_index ON indrelid = t.oid
    """,
}
TABLES = """
    WITH tables AS (SELECT * FROM pg_class WHERE relnamespace = current_schema()::regnamespace
        AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version')
"""

# squawk's rules that do not hold here, each with the reason.
EXCLUDED = {
    "prefer-text-field": "the seeds give lengths, and a wider varchar has needed no rewrite since PostgreSQL 9.2",
    "ban-char-field": "the seeds ask for CHAR where a length is fixed",
    "prefer-bigint-over-int": "versions, attempts and minutes do not reach two thousand million; ids are BIGINT",
    "prefer-bigint-over-smallint": "HTTP status codes and attempts",
    "require-lock-timeout": "chassis.db.migrations sets it for the connection",
    "require-statement-timeout": "a migration may work for long as long as it does not wait for locks",
}


def test_migrations_are_numbered_without_gap(folder: Path) -> None:
    files = sorted(path.name for path in (folder / "migrations/versions").glob("*.py"))
    assert files
    assert [name for name in files if not NAME.match(name)] == []
    assert [int(name[:4]) for name in files] == list(range(1, len(files) + 1))


def test_migrations_form_one_line_in_the_order_of_their_numbers(service: Service) -> None:
    scripts = ScriptDirectory.from_config(migrations.configuration(service.migrations))
    assert len(scripts.get_heads()) == 1
    line = [Path(script.path).name[:4] for script in scripts.walk_revisions()]
    assert line == sorted(line, reverse=True)
    assert [script.revision for script in scripts.walk_revisions()] == line


@pytest.fixture
def connection(migrated: Callable[[str], DatabaseUrls], service_name: str) -> Iterator[Connection]:
    engine = create_engine(make_url(migrated(service_name).superuser).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


# Alembic takes partitions for tables of their own, and compares the texts of expressions in indexes and generated columns
# without knowing what PostgreSQL makes of them. The test below does know.
@pytest.mark.filterwarnings("ignore:Computed default on .* cannot be modified:UserWarning")
def test_autogenerate_would_write_no_migration(connection: Connection, service: Service) -> None:
    beyond = set(connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition")))
    beyond |= {
        str(index.name)
        for table in service.metadata.tables.values()
        for index in table.indexes
        if not all(isinstance(part, Column) for part in index.expressions)
    }

    def ours(_: Any, name: str | None, __: str, ___: bool, ____: Any) -> bool:
        return name not in beyond

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    assert compare_metadata(MigrationContext.configure(connection, opts=options), service.metadata) == []


@pytest.mark.parametrize("aspect", ASPECTS)
def test_the_models_say_what_the_migrations_built(connection: Connection, service: Service, aspect: str) -> None:
    """PostgreSQL reads both and is asked what it understood: defaults, checks, orders of indexes, all of it."""
    built = described(connection, "public", aspect)
    connection.execute(text("CREATE SCHEMA declared"))
    connection.execute(text("SET LOCAL search_path = declared"))
    service.metadata.create_all(connection)
    declared = described(connection, "declared", aspect)
    connection.rollback()
    assert built
    assert built == declared


def described(connection: Connection, schema: str, aspect: str) -> set[tuple[Any, ...]]:
    """What the catalog of a schema says of one aspect of its tables, without the name of the schema."""
    connection.execute(text(f"SET LOCAL search_path = {schema}"))
    return {tuple(row) for row in connection.execute(text(TABLES + ASPECTS[aspect]))}


def test_migrations_run_as_those_of_the_sample(root: Path, folder: Path, service_name: str) -> None:
    """How they wait for each other, for how long and in which transactions is the chassis', and is tested there."""
    ours = (folder / "migrations" / "env.py").read_text().replace(service_name, "sample")
    sample = (root / "libs" / "sample" / "migrations" / "env.py").read_text()
    # The imports stand in the order of their names.
    assert sorted(ours.splitlines()) == sorted(sample.splitlines())


def sql_of(service: Service, revisions: str) -> str:
    """The SQL of migrations of the service, as `alembic upgrade --sql` writes it."""
    configuration = migrations.configuration(service.migrations)
    configuration.output_buffer = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("OWNER_DATABASE_URL", raising=False)
        command.upgrade(configuration, revisions, sql=True)
    return configuration.output_buffer.getvalue()


@pytest.fixture
def written(service: Service) -> str:
    return sql_of(service, "head")


def test_what_leaves_no_way_back_is_written_in_the_migration_itself(service: Service) -> None:
    """`crm upgrade` reads the files: what a helper does for one would not be seen."""
    scripts = ScriptDirectory.from_config(migrations.configuration(service.migrations))
    hidden = [
        script.revision
        for script in scripts.walk_revisions()
        if re.search(
            r"^ALTER TABLE [^;]*\b(?:DROP COLUMN|RENAME)\b|^(?:DROP TABLE|TRUNCATE)\b",
            sql_of(service, f"{script.down_revision or 'base'}:{script.revision}"),
            re.MULTILINE,
        )
        and not contracts(Path(script.path))
    ]
    assert hidden == []


def test_squawk_finds_nothing(written: str, tmp_path: Path) -> None:
    # One file for each migration, since each is a transaction of its own.
    paths = []
    for number, migration in enumerate(written.removesuffix("COMMIT;\n\n").split("COMMIT;\n"), 1):
        paths.append(tmp_path / f"{number:04}.sql")
        paths[-1].write_text(migration + "COMMIT;\n")
    squawk = str(Path(sys.executable).with_name("squawk"))
    options = ["--pg-version", "15.0", "--reporter", "Gcc", f"--exclude={','.join(EXCLUDED)}"]
    done = subprocess.run([squawk, *options, *map(str, paths)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.replace(str(tmp_path), "")) == (0, ""), done.stderr
