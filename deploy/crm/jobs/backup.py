"""The container `backup`: seals every service's database and the secrets, each night, or when it is told to.

`python -m crm.jobs.backup nightly|make|list|verify|key|revisions|manifest`, `restore SERVICE [BACKUP]` and
`unpublished SERVICE SECONDS`; only what has been asked for is on stdout, of `revisions` and `manifest` as JSON.
"""

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from crm import programs, screen
from crm.backup.dumps import KEEP, KEY_NAME, Dumps
from crm.backup.outboxes import unpublished
from crm.backup.sealing import Seal
from crm.backup.shelf import Backup, Shelf
from crm.credentials import Credentials
from crm.environment import superuser_url
from crm.errors import OperatorError
from crm.jobs.places import READER, SERVERS
from crm.settings import SERVICES

FOLDER = Path("/backups")
# When nobody works; UTC.
_HOUR, _MINUTE = 2, 15
_DAY = timedelta(days=1)
_LOOK_SECONDS = 60.0


def last_due(now: datetime) -> datetime:
    """The instant since which there has to be a new backup."""
    today = now.replace(hour=_HOUR, minute=_MINUTE, second=0, microsecond=0)
    return today if now >= today else today - _DAY


def is_due(shelf: Shelf, now: datetime) -> bool:
    """Whether no backup has begun since the last night's hour: also after a night in which nothing ran."""
    backups = shelf.all()
    return not backups or backups[-1].began < last_due(now)


class Backups:
    """The backups of a stack of containers in one folder."""

    def __init__(self, reader: Path, folder: Path, keep: timedelta = KEEP) -> None:
        self._credentials = Credentials(reader)
        self._shelf = Shelf(folder)
        self._keep = keep
        binaries = programs.require(programs.postgres_folder(), programs.POSTGRES)
        self._dumps = Dumps(self._url, binaries, Seal(self._credentials.age_identity(KEY_NAME)))

    def _url(self, database: str) -> str:
        return superuser_url(self._credentials.password("postgres_superuser"), SERVERS, database)

    def nightly(self) -> None:
        """Make one whenever it is due, and read it back. A failure ends the process, which Docker starts again."""
        while True:
            if is_due(self._shelf, datetime.now(UTC)):
                self.verify(self.make().name)
            time.sleep(_LOOK_SECONDS)

    def make(self) -> Backup:
        """Make one now, and delete what is too old."""
        began = time.monotonic()
        backup = self._dumps.make(self._shelf, self._credentials.path)
        screen.step("backup", f"{backup.name} · {backup.size_text}", time.monotonic() - began)
        for gone in self._shelf.prune(self._keep, datetime.now(UTC)):
            screen.step("deleted", f"{gone}, older than {self._keep.days} days")
        return backup

    def list(self) -> None:
        rows = [(each.name, each.began_at[:19], each.size_text) for each in self._shelf.all()]
        screen.table([("BACKUP", "BEGAN (UTC)", "SIZE"), *rows])

    def verify(self, name: str | None = None) -> None:
        """Read one as a restoration would, the newest if none is named."""
        backup = self._shelf.get(name)
        for part, said in self._dumps.verify(backup):
            screen.step(part, said)
        screen.step("verified", f"{backup.name} · {backup.size_text}")

    def key(self) -> None:
        print(self._credentials.age_identity(KEY_NAME))

    def revisions(self) -> None:
        """The revision of every database, "" where it was never migrated."""
        found = {}
        for service in SERVICES:
            with psycopg.connect(self._url(service)) as connection:
                row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            found[service] = str(row[0]) if row else ""
        print(json.dumps(found))

    def manifest(self, name: str | None = None) -> None:
        """Which one that is, the newest if none is named, and when it began."""
        backup = self._shelf.get(name)
        print(json.dumps({"name": backup.name, "began_at": backup.began_at}))

    def unpublished(self, service: str, seconds: str) -> None:
        """What of a service's events is not published after that time; nothing where all are."""
        print(unpublished(self._url(service), float(seconds)))

    def restore(self, service: str, name: str | None = None) -> None:
        """Put a service's database back; the one that is there stays as `<service>_replaced`."""
        backup = self._shelf.get(name)
        began = time.monotonic()
        self._dumps.restore(backup, service)
        screen.step("restored", f"{service} as of {backup.parts[service].taken_at[:19]} UTC", time.monotonic() - began)


def main(arguments: list[str]) -> None:
    command, *names = arguments
    backups = Backups(READER, FOLDER)
    if command == "restore":
        backups.restore(*names)
    elif command == "unpublished":
        backups.unpublished(*names)
    elif command in ("verify", "manifest"):
        getattr(backups, command)(*names)
    else:
        {
            "nightly": backups.nightly,
            "make": backups.make,
            "list": backups.list,
            "key": backups.key,
            "revisions": backups.revisions,
        }[command]()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OperatorError as error:
        sys.exit(str(error))
