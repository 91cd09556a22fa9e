"""The commands `crm restore` and `crm outbox`, of a stack of programs and of one of containers."""

import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from crm import modes, screen
from crm.backup.dumps import KEY_NAME
from crm.backup.native import FromArchive, FromBackup, Programs, backup_at
from crm.backup.options import (
    AT,
    BACKUP,
    FOLDER,
    KEEP,
    KEY_FILE,
    MISSING,
    SINCE,
    archive_of,
    dumps_of,
    moment_of,
    shelf_of,
)
from crm.backup.restorable import Healable, Restorable
from crm.backup.restoring import Healing, Restoration
from crm.compose.restoring import (
    ContainersAtInstant,
    ContainersFromArchive,
    ContainersFromBackup,
    RunningContainers,
)
from crm.compose.stack import Containers
from crm.errors import OperatorError
from crm.jobs.places import LATEST
from crm.preparation import Command
from crm.settings import SERVICES
from crm.stack import existing


@click.group(name="restore")
def restore_command() -> None:
    """Put back what is in a backup, or what was at an instant."""


@restore_command.command()
@FOLDER
@BACKUP
@KEY_FILE
@AT
@click.option("--yes", is_flag=True, envvar="YES", help="Do not ask.")
@click.pass_obj
def everything(  # click gives each option by its name.
    home: Path, folder: Path | None, name: str | None, key_file: Path | None, instant: str | None, *, yes: bool
) -> None:
    """Put every service back to the backup, or to the instant; what has happened since is lost.

    `--at latest` is the last that the archive knows, where PostgreSQL's own disk is lost.
    """
    if instant is not None:
        _everything_at(home, None if instant == LATEST else moment_of(instant), yes=yes)
        return
    source, began_at = _from_backup(home, folder, name, key_file)
    _confirm(began_at, yes=yes)
    began = time.monotonic()
    Restoration(source, began_at, screen.step).everything()
    screen.step("done", "the databases from before stay as <service>_replaced", time.monotonic() - began)


def _everything_at(home: Path, instant: datetime | None, *, yes: bool) -> None:
    source: ContainersFromArchive | FromArchive
    if modes.kept(home) == modes.COMPOSE:
        source = ContainersFromArchive(Containers(home), instant)
        began_at = source.began
    else:
        stack = existing(home)
        archive = archive_of(stack)
        if instant is not None:
            archive.holds(instant, datetime.now(UTC))
        source, began_at = FromArchive(stack, archive, instant), instant or archive.bases()[-1].ended
    _confirm(began_at, yes=yes)
    began = time.monotonic()
    source.examine(screen.step)
    Restoration(source, began_at, screen.step).everything()
    screen.step("done", "everything is as it was then", time.monotonic() - began)


def _confirm(began_at: datetime, *, yes: bool) -> None:
    if not yes:
        click.confirm(f"Give up everything that has happened since {began_at:%Y-%m-%d %H:%M:%S} UTC?", abort=True)


@restore_command.command()
@click.argument("name_of_service", metavar="SERVICE", type=click.Choice(list(SERVICES)))
@FOLDER
@BACKUP
@KEY_FILE
@AT
@KEEP
@MISSING
@click.pass_obj
def service(  # noqa: PLR0917  # click gives each option by its name.
    home: Path,
    name_of_service: str,
    folder: Path | None,
    name: str | None,
    key_file: Path | None,
    instant: str | None,
    keep: str | None,
    missing: str | None,
) -> None:
    """Put one service back to the backup, or to the instant, and heal it, while the others go on."""
    began = time.monotonic()
    if instant is not None:
        complete = _one_at(home, name_of_service, moment_of(instant), keep=keep, missing=missing)
    else:
        source, began_at = _from_backup(home, folder, name, key_file)
        complete = Restoration(source, began_at, screen.step).one(name_of_service, keep=keep, missing=missing)
    screen.step("done", f"the database from before stays as {name_of_service}_replaced", time.monotonic() - began)
    if not complete:
        raise SystemExit(1)


def _one_at(home: Path, service: str, instant: datetime, *, keep: str | None, missing: str | None) -> bool:
    if modes.kept(home) == modes.COMPOSE:
        there = ContainersAtInstant(Containers(home), service, instant, screen.step)
        return Restoration(there, instant, screen.step).one(service, keep=keep, missing=missing)
    stack = existing(home)
    archive = archive_of(stack)
    archive.holds(instant, datetime.now(UTC))
    began = time.monotonic()
    backup = backup_at(stack, archive, service, instant, stack.credentials.age_identity(KEY_NAME))
    screen.step("recovered", f"{service} as of {instant:%Y-%m-%d %H:%M:%S.%f}", time.monotonic() - began)
    try:
        source = FromBackup(stack, dumps_of(stack), backup)
        return Restoration(source, instant, screen.step).one(service, keep=keep, missing=missing)
    finally:
        shutil.rmtree(backup.folder)


@restore_command.command()
@click.argument("name_of_service", metavar="SERVICE", type=click.Choice(list(SERVICES)))
@SINCE
@KEEP
@MISSING
@click.pass_obj
def heal(home: Path, name_of_service: str, since: str, keep: str | None, missing: str | None) -> None:
    """Heal a service whose database was restored by other means, to an instant not before --since."""
    healing = Healing(_running(home), moment_of(since), screen.step)
    if not healing.heal_alone(name_of_service, keep=keep, missing=missing):
        raise SystemExit(1)


@click.group(name="outbox")
def outbox_command() -> None:
    """Events that the services have published."""


@outbox_command.command()
@SINCE
@click.option("--service", "services", multiple=True, type=click.Choice(list(SERVICES)), help="Not all of them.")
@click.pass_obj
def republish(home: Path, since: str, services: tuple[str, ...]) -> None:
    """Publish again what was published since then (a week at most): after a broker was lost with its queues."""
    stack = _running(home)
    for each in services or tuple(SERVICES):
        arguments = ("chassis.broker.republishing", "again", each, "--since", moment_of(since).isoformat())
        screen.step("published again", f"{stack.run(Command(each, arguments)).strip()} of {each}")


def _from_backup(
    home: Path, folder: Path | None, name: str | None, key_file: Path | None
) -> tuple[Restorable, datetime]:
    """What puts services back from a backup, and when that began."""
    if modes.kept(home) == modes.COMPOSE:
        if key_file is not None:
            raise OperatorError("containers have the key of their backups by themselves")
        source = ContainersFromBackup(Containers(home), name)
        return source, source.began
    stack = existing(home)
    backup = shelf_of(home, folder).get(name)
    return FromBackup(stack, dumps_of(stack, key_file), backup), backup.began


def _running(home: Path) -> Healable:
    if modes.kept(home) == modes.COMPOSE:
        return RunningContainers(Containers(home))
    return Programs(existing(home))
