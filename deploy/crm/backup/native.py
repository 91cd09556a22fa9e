"""A stack of programs of this machine, restored from a backup or from the archive of its PostgreSQL."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import psycopg

from crm import databases, plan, programs
from crm.backup.dumps import Dumps
from crm.backup.outboxes import unpublished
from crm.backup.restorable import Report
from crm.backup.sealing import Seal
from crm.backup.shelf import Backup, Shelf
from crm.environment import database_password, roles
from crm.preparation import Command
from crm.servers.archive import Archive, note_the_time
from crm.servers.recovery import recovered
from crm.stack import Stack
from crm.watch import Watch

_REPLACED = "data.replaced"
# As long as a log of changes between two base backups may take; it ends at once where it cannot go on.
_RECOVERY_SECONDS = 3600.0


class Programs:
    """What is the same wherever the databases come from."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def stop(self, service: str, kind: str) -> None:
        for program in plan.service_programs(self.stack.settings, self.stack.state):
            if (program.service, program.kind) == (service, kind):
                self.stack.stop_program(program.name)

    def start(self, services: Sequence[str]) -> None:
        stack = self.stack
        for program in plan.service_programs(stack.settings, stack.state):
            if program.service in services:
                stack.start_program(program.name, wait=False)
        stack.wait_ready()
        if "identity" in services:
            stack.gateway.reload(stack.preparation.public_keys())
            stack.forget_keys()

    def unpublished(self, service: str, patience: float) -> str:
        return unpublished(self.stack.database_url(service, "relay"), patience)

    def rabbitmqctl(self, *arguments: str) -> str:
        return self.stack.rabbitmq.control(*arguments)

    def run(self, command: Command) -> str:
        module, *arguments = command.arguments
        return self.stack.preparation.run(command.service, module, *arguments, owner=command.owner)

    def pipe(self, first: Command, then: Command) -> tuple[int, str]:
        return self.stack.preparation.pipe(first, then)

    def resync(self, service: str) -> None:
        self.stack.resync(service)

    def replace_keys(self) -> None:
        # Twice: either of the keys in the backup may have signed since.
        for _ in range(2):
            rotation = self.stack.preparation.rotate_keys(force=True)
            self.stack.preparation.revoke_key(rotation.retired)

    def settle(self, service: str) -> None:
        """Its roles' passwords are those of today, and what is of an older release has this one's tables."""
        credentials = self.stack.credentials
        passwords = {role: database_password(credentials, service, role) for role in roles(service)}
        # The roles' rights to connect are the database's own, and no part of a dump.
        databases.ensure(self.stack.postgres.url, service, passwords)
        self.run(Command(service, ("chassis", "migrate", service), owner=True))


class FromBackup(Programs):
    """Puts services back from a backup's dumps."""

    def __init__(self, stack: Stack, dumps: Dumps, backup: Backup) -> None:
        super().__init__(stack)
        self._dumps = dumps
        self._backup = backup

    def load(self, services: Sequence[str], report: Report) -> None:
        for service in services:
            began = time.monotonic()
            self._dumps.restore(self._backup, service)
            self.settle(service)
            taken = self._backup.parts[service].taken_at[:19]
            report("restored", f"{service} as of {taken} UTC", time.monotonic() - began)


class FromArchive(Programs):
    """Puts everything back to one instant, or to the last that the archive knows where that is None."""

    def __init__(self, stack: Stack, archive: Archive, instant: datetime | None) -> None:
        super().__init__(stack)
        self._archive = archive
        self._instant = instant

    def examine(self, report: Report) -> None:
        """See that the instant can be had, while everything runs. Raises OperatorError."""
        began = time.monotonic()
        report("archive", complete(self.stack, self._archive), time.monotonic() - began)
        if self._instant is not None:
            began = time.monotonic()
            with recovered(self.stack.postgres, self._archive, self._instant, recovered_folder(self.stack)):
                pass  # Its folder is what `load` takes.
            report("recovered", f"everything as of {self._instant:%Y-%m-%d %H:%M:%S.%f}", time.monotonic() - began)

    def load(self, services: Sequence[str], report: Report) -> None:
        """Have PostgreSQL recover in the place of what is there, which stays aside as `data.replaced`."""
        began = time.monotonic()
        stack, server = self.stack, self.stack.postgres
        fresh = recovered_folder(stack)
        if self._instant is None:
            complete(stack, self._archive)
            self._archive.restore(self._archive.empty_folder(fresh), None)
        stack.stop_program(server.name)
        replaced = server.data.with_name(_REPLACED)
        if server.data.exists():
            shutil.rmtree(replaced, ignore_errors=True)
            server.data.rename(replaced)
        fresh.rename(server.data)
        stack.start_program(server.name, wait=False)
        # It comes to its instant once more, and goes on from there.
        Watch(stack.supervisor, stack.home / "logs").until_ready(server.name, server.check_writable, _RECOVERY_SECONDS)
        for service in services:
            self.settle(service)
        report("restored", f"everything; what was there lies in {replaced}", time.monotonic() - began)


def backup_at(stack: Stack, archive: Archive, service: str, instant: datetime, key: str) -> Backup:
    """A backup of one service as it was at that instant, from the archive; its folder is the caller's to delete."""
    server, folder = stack.postgres, stack.home / "recovered"
    shutil.rmtree(folder, ignore_errors=True)
    complete(stack, archive)
    with recovered(server, archive, instant, recovered_folder(stack)) as there:
        dumps = Dumps(there.url, programs.require(programs.postgres_folder(), programs.POSTGRES), Seal(key))
        backup = dumps.make(Shelf(folder), stack.credentials.path, (service,))
    shutil.rmtree(there.data)
    return replace(backup, began_at=instant.isoformat())


def recovered_folder(stack: Stack) -> Path:
    """Where files are put together, on the disk of those in whose place they may come."""
    return stack.postgres.data.with_name("data.recovered")


def complete(stack: Stack, archive: Archive) -> str:
    """Have everything that is committed by now in the archive, as far as PostgreSQL answers."""
    try:
        note_the_time(stack.postgres.url())
    except psycopg.OperationalError as error:
        return f"holds what it held: PostgreSQL does not answer ({str(error).splitlines()[0]})"
    archive.check()
    return "holds everything until now"
