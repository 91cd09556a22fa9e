"""A PostgreSQL beside the one that runs, as it was at an instant: nothing can be written there."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import psycopg

from crm.errors import NotReadyError, OperatorError
from crm.ports import free_port
from crm.servers.archive import Archive, restore_command
from crm.servers.postgres import Postgres

_POLL_SECONDS = 0.1


class RecoveredPostgres(Postgres):
    """It comes to the instant that its folder was restored for, and stays there; the archive hears nothing of it."""

    name: ClassVar[str] = "postgres-recovered"

    def __init__(self, server: Postgres, archive: Archive, data: Path) -> None:
        super().__init__(server.home, port=free_port(), password=server.password, durable=False)
        self._data = data
        self._restore_command = restore_command(archive.configured, data)

    @property
    def data(self) -> Path:
        return self._data

    @property
    def settings(self) -> Mapping[str, str | int]:
        own = {
            "archive_mode": "off",
            "hot_standby": "on",
            "recovery_target_action": "pause",
            "restore_command": self._restore_command,
        }
        return {**super().settings, **own}

    def check(self) -> None:
        """Raise NotReadyError until it has come to its instant."""
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                row = connection.execute("SELECT pg_get_wal_replay_pause_state()").fetchone()
        except psycopg.OperationalError as error:
            raise NotReadyError(" ".join(str(error).split())) from None
        if row != ("paused",):
            raise NotReadyError("it still recovers")

    def wait_recovered(self) -> None:
        """Wait as long as it takes, for it says itself when it cannot get there. Raises OperatorError."""
        while True:
            try:
                self.check()
            except NotReadyError:
                if self.process() is None:
                    raise OperatorError(f"it cannot be had as it was then:\n{self.last_lines()}") from None
                time.sleep(_POLL_SECONDS)
            else:
                return


@contextmanager
def recovered(server: Postgres, archive: Archive, instant: datetime, folder: Path) -> Iterator[RecoveredPostgres]:
    """A PostgreSQL as it was at that instant; its folder stays for whoever takes it."""
    archive.empty_folder(folder)
    archive.restore(folder, instant)
    there = RecoveredPostgres(server, archive, folder)
    there.log_file.unlink(missing_ok=True)
    there.start()
    try:
        there.wait_recovered()
        yield there
    finally:
        there.stop()
