"""Each service's database as one file of pg_dump's, whatever the version of PostgreSQL that it is read into later."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from crm.backup.sealing import Seal, digest
from crm.backup.shelf import Backup, Part, Shelf
from crm.environment import BASE
from crm.errors import OperatorError
from crm.settings import SERVICES

SECRETS = "secrets"
# What the pair of keys is called among the secrets.
KEY_NAME = "backup_identity"
KEEP = timedelta(days=30)
RESTORING = "_restoring"
REPLACED = "_replaced"


class Dumps:
    """The databases of a server: `url` answers a superuser's URL of one, `binaries` is where pg_dump is."""

    def __init__(self, url: Callable[[str], str], binaries: Path, seal: Seal) -> None:
        self._url = url
        self._binaries = binaries
        self._seal = seal

    def make(self, shelf: Shelf, secrets: Path, services: Collection[str] | None = None) -> Backup:
        """Back up every service (or these), and the secrets without which the data is not all readable."""
        began = datetime.now(UTC)
        folder = shelf.begin(began)
        # The audit log comes last: it then knows of everything that the others' parts show.
        order = sorted(SERVICES if services is None else services, key=lambda service: service == "audit")
        parts = {service: self._dump(service, folder) for service in order}
        size, sha256 = self._seal.seal_bytes(secrets.read_bytes(), folder / f"{SECRETS}.json.age")
        parts[SECRETS] = Part(f"{SECRETS}.json.age", size, sha256, datetime.now(UTC).isoformat())
        return shelf.finish(folder, began, parts)

    def _dump(self, service: str, folder: Path) -> Part:
        with psycopg.connect(self._url(service)) as connection:
            # One that recovers shows what was before.
            taken = connection.execute("SELECT coalesce(pg_last_xact_replay_timestamp(), now())").fetchone()
            revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        assert taken is not None
        file = f"{service}.dump.age"
        command = [str(self._binaries / "pg_dump"), "--format=custom", "--compress=6", "--no-password", service]
        size, sha256 = self._seal.pack(command, self._environment(service), folder / file)
        return Part(file, size, sha256, taken[0].isoformat(), revision[0] if revision else "")

    def verify(self, backup: Backup, *, full: bool = False) -> Iterator[tuple[str, str]]:
        """Read every part as a restoration would; with `full` into a database of its own. Raises OperatorError."""
        for name, part in backup.parts.items():
            path = backup.path(name)
            if not path.exists() or digest(path) != part.sha256:
                raise OperatorError(f"{path} is missing or is not what was written")
            if name == SECRETS:
                self._seal.unpack(path, ["/bin/cat"], BASE)
                yield name, "can be opened"
                continue
            tables = self._seal.unpack(path, [str(self._binaries / "pg_restore"), "--list"], BASE).count(
                b" TABLE DATA "
            )
            if full:
                with self._scratch(f"{name}_verifying") as database:
                    self._load(path, database)
            yield name, f"{tables} tables {'restored and dropped' if full else 'can be read'}"

    def restore(self, backup: Backup, service: str) -> None:
        """Put a service's database in the place of the one that is there, which stays as `<service>_replaced`.

        Nobody may be connected to it for long: connections to the old one are ended. It may be run again.
        """
        new = service + RESTORING
        with self._scratch(new, keep=True):
            self._load(backup.path(service), new)
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            if _exists(connection, service):
                _drop(connection, service + REPLACED)
                connection.execute(_of("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", service))
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (service,)
                )
                connection.execute(_of("ALTER DATABASE {} RENAME TO {}", service, service + REPLACED))
                connection.execute(_of("ALTER DATABASE {} WITH ALLOW_CONNECTIONS true", service + REPLACED))
            connection.execute(_of("ALTER DATABASE {} OWNER TO {}", new, f"{service}_owner"))
            connection.execute(_of("ALTER DATABASE {} RENAME TO {}", new, service))

    @contextmanager
    def _scratch(self, name: str, *, keep: bool = False) -> Iterator[str]:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            _drop(connection, name)
            connection.execute(_of("CREATE DATABASE {} TEMPLATE template0", name))
            try:
                yield name
            except BaseException:
                _drop(connection, name)
                raise
            if not keep:
                _drop(connection, name)

    def _load(self, path: Path, database: str) -> None:
        command = [str(self._binaries / "pg_restore"), "--exit-on-error", "--single-transaction", "--no-password"]
        self._seal.unpack(path, [*command, "--dbname", database], self._environment(database))

    def _environment(self, database: str) -> Mapping[str, str]:
        given = psycopg.conninfo.conninfo_to_dict(self._url(database))
        names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD"}
        return dict(BASE) | {variable: str(given[name]) for name, variable in names.items() if name in given}


def _exists(connection: psycopg.Connection, name: str) -> bool:
    return connection.execute("SELECT FROM pg_database WHERE datname = %s", (name,)).fetchone() is not None


def _drop(connection: psycopg.Connection, name: str) -> None:
    connection.execute(_of("DROP DATABASE IF EXISTS {} WITH (FORCE)", name))


def _of(statement: LiteralString, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
