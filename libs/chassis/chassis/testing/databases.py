"""Databases of services for tests: migrated once for a server and content, and copied from there."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import psycopg
from alembic import command
from psycopg import sql
from sqlalchemy.engine import make_url

from chassis.db import migrations
from chassis.service import load

ROLES = ("owner", "app", "relay", "ingest")
_PASSWORD = "only-on-loopback"
_LOCK = 0x7E57
# What every migration is made of beside its own files.
_CHASSIS = Path(migrations.__file__).parent


@dataclass(frozen=True)
class DatabaseUrls:
    """The URLs of one migrated database, by role."""

    superuser: str
    owner: str
    app: str
    relay: str
    ingest: str


def create_database(postgres_url: str, service: str) -> DatabaseUrls:
    """Create the roles of a service and a database of its own, as its migrations build it; answers the URLs.

    The migrations run once for a server and a content of theirs, into a template that the next calls copy, whichever
    process they come from.
    """
    name = f"{service}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{secrets.token_hex(3)}"
    with _alone(postgres_url) as connection:
        for role in ROLES:
            present = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (f"{service}_{role}",)).fetchone()
            if present is None:
                statement = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                connection.execute(statement.format(sql.Identifier(f"{service}_{role}"), sql.Literal(_PASSWORD)))
        template = f"template_{service}_{_content(service)}"
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", (template,)).fetchone() is None:
            _build(connection, postgres_url, service, template)
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                sql.Identifier(name), sql.Identifier(template), sql.Identifier(f"{service}_owner")
            )
        )
    return _urls(postgres_url, service, name)


def drop_database(postgres_url: str, urls: DatabaseUrls) -> None:
    """Drop a database that `create_database` has made, whoever is connected to it."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        _drop(connection, cast("str", make_url(urls.owner).database))


@contextmanager
def _alone(postgres_url: str) -> Iterator[psycopg.Connection]:
    """A connection of which there is one at a time: processes share the roles and the templates of a server."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        yield connection


def _content(service: str) -> str:
    """Changes when a migration does, or what migrations are made of."""
    content = hashlib.sha256()
    for folder in (load(service).migrations, _CHASSIS):
        for path in sorted(folder.rglob("*.py")):
            content.update(f"{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return content.hexdigest()[:16]


def _build(connection: psycopg.Connection, postgres_url: str, service: str, template: str) -> None:
    # Those of other contents, and what a run that was killed has left half built.
    older = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) OR datname = %s"
    unfinished = f"unfinished_{service}"
    for (name,) in connection.execute(older, (f"template_{service}_", unfinished)).fetchall():
        _drop(connection, name)
    owner = sql.Identifier(f"{service}_owner")
    connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(unfinished), owner))
    urls = _urls(postgres_url, service, unfinished)
    with psycopg.connect(urls.superuser, autocommit=True) as inside:
        inside.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for role in ROLES[1:]:
            grant = sql.SQL("GRANT USAGE ON SCHEMA public TO {}")
            inside.execute(grant.format(sql.Identifier(f"{service}_{role}")))
    os.environ["OWNER_DATABASE_URL"] = urls.owner
    command.upgrade(migrations.configuration(load(service).migrations), "head")
    # A template takes no connections: one would keep it from being copied.
    for statement in ("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", "ALTER DATABASE {} RENAME TO {}"):
        connection.execute(sql.SQL(statement).format(sql.Identifier(unfinished), sql.Identifier(template)))


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _urls(postgres_url: str, service: str, name: str) -> DatabaseUrls:
    base = make_url(postgres_url).set(database=name)
    roles = {
        role: base.set(username=f"{service}_{role}", password=_PASSWORD).render_as_string(hide_password=False)
        for role in ROLES
    }
    return DatabaseUrls(superuser=base.render_as_string(hide_password=False), **roles)
