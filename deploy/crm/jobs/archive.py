"""The container `archive`: base backups each night, and what was at an instant.

`python -m crm.jobs.archive nightly|base [full]|list|verify|holds INSTANT|latest` and, to restore, `prove INSTANT`,
`recover INSTANT|latest` with PostgreSQL stopped, `writable`, `take SERVICE INSTANT`, `load SERVICE NAME`. An instant is
as RFC 3339 has it.
"""

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from crm import programs, screen
from crm.backup.dumps import KEY_NAME, Dumps
from crm.backup.sealing import Seal
from crm.backup.shelf import Shelf
from crm.credentials import Credentials
from crm.environment import superuser_url
from crm.errors import OperatorError
from crm.jobs.backup import last_due
from crm.jobs.places import ARCHIVE, ARCHIVE_READER, LATEST, POSTGRES_DATA, SERVERS, postgres_cluster
from crm.servers import Postgres
from crm.servers.archive import Archive, Place, note_the_time
from crm.servers.recovery import recovered

# A volume of its own, for what is put together beside the data.
RECOVERED = Path("/recovered")
_LOOK_SECONDS = 60.0
_RECOVERY_SECONDS = 3600.0


class Archiving:
    """The archive of a stack of containers."""

    def __init__(self) -> None:
        credentials = Credentials(ARCHIVE_READER)
        self._secrets = credentials.path
        self._password = credentials.password("postgres_superuser")
        self._identity = credentials.age_identity(KEY_NAME)
        self._archive = Archive(Place.of(str(ARCHIVE)), postgres_cluster(self._password), {}, ARCHIVE_READER)

    def _url(self, database: str) -> str:
        return superuser_url(self._password, SERVERS, database)

    def nightly(self) -> None:
        """Make a base backup whenever it is due, and read all. A failure ends the process: Docker starts it anew."""
        self._archive.begin()
        while True:
            bases = self._archive.bases()
            if not bases or bases[-1].ended < last_due(datetime.now(UTC)):
                self.base()
                self.verify()
            time.sleep(_LOOK_SECONDS)

    def base(self, kind: str = "") -> None:
        """Make a base backup now."""
        began = time.monotonic()
        self._archive.begin()
        made = self._archive.make(datetime.now(UTC), full=kind == "full")
        screen.step("base backup", f"{made.name} · {made.kind} · {screen.size(made.size)}", time.monotonic() - began)

    def list(self) -> None:
        screen.table([("IN THE ARCHIVE", "KIND", "LEADS ON FROM (UTC)", "SIZE"), *self._archive.rows()])

    def verify(self) -> None:
        """Read all of it."""
        screen.step("verified", self._archive.verify())

    def holds(self, instant: str) -> None:
        """Say since when it leads to that instant, which it has to; all that is committed by now is in it then."""
        note_the_time(self._url("postgres"))
        self._archive.check()
        bases = self._archive.bases()
        if instant != LATEST:
            self._archive.holds(datetime.fromisoformat(instant), datetime.now(UTC))
        print(bases[-1].ended.isoformat())

    def prove(self, instant: str) -> None:
        """Recover to that instant aside, and throw that away: so it can be had."""
        server = self._server()
        with recovered(server, self._archive, datetime.fromisoformat(instant), RECOVERED / "data") as there:
            print(there.data)
        shutil.rmtree(there.data)

    def recover(self, instant: str) -> None:
        """Put the files of that instant in the place of those of a PostgreSQL that does not run."""
        self._archive.restore(
            POSTGRES_DATA, None if instant == LATEST else datetime.fromisoformat(instant), in_place=True
        )

    def writable(self) -> None:
        """Wait until PostgreSQL has come to its instant and goes on from there."""
        deadline = time.monotonic() + _RECOVERY_SECONDS
        while time.monotonic() < deadline:
            try:
                with psycopg.connect(self._url("postgres"), connect_timeout=2) as connection:
                    if connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,):
                        return
            except psycopg.OperationalError:
                pass  # It starts, or waits for the consistent point before which it lets nobody in.
            time.sleep(0.2)
        raise OperatorError("PostgreSQL does not come to its instant; see its log")

    def take(self, service: str, instant: str) -> None:
        """Make a backup of one service as it was at that instant; print its name."""
        shelf = Shelf(RECOVERED / "backups")
        shutil.rmtree(shelf.folder, ignore_errors=True)
        moment = datetime.fromisoformat(instant)
        with recovered(self._server(), self._archive, moment, RECOVERED / "data") as there:
            name = self._dumps(there.url).make(shelf, self._secrets, (service,)).name
        shutil.rmtree(there.data)
        print(name)

    def load(self, service: str, name: str) -> None:
        """Put a service's database back from what was taken; the one that is there stays as `<service>_replaced`."""
        shelf = Shelf(RECOVERED / "backups")
        self._dumps(self._url).restore(shelf.get(name), service)
        shutil.rmtree(shelf.folder)

    def _dumps(self, url: Callable[[str], str]) -> Dumps:
        binaries = programs.require(programs.postgres_folder(), programs.POSTGRES)
        return Dumps(url, binaries, Seal(self._identity))

    def _server(self) -> Postgres:
        return Postgres(Path("/tmp"), port=0, password=self._password)  # noqa: S108  # For the log and the pid alone.


def main(arguments: list[str]) -> None:
    command, *rest = arguments
    archiving = Archiving()
    commands: Mapping[str, Callable[..., None]] = {
        "nightly": archiving.nightly,
        "base": archiving.base,
        "list": archiving.list,
        "verify": archiving.verify,
        "holds": archiving.holds,
        "prove": archiving.prove,
        "recover": archiving.recover,
        "writable": archiving.writable,
        "take": archiving.take,
        "load": archiving.load,
    }
    commands[command](*rest)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OperatorError as error:
        sys.exit(str(error))
