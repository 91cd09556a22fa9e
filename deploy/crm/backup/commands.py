"""The commands `crm backup`, `crm restore` and `crm outbox`."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from crm import doctor, programs, screen
from crm.backup.dumps import KEEP, KEY_NAME, Dumps
from crm.backup.restoring import Restoration
from crm.backup.sealing import Seal
from crm.backup.shelf import Backup, Shelf
from crm.errors import OperatorError
from crm.settings import SERVICES
from crm.stack import Stack, existing
from crm.upgrading import Upgrade, way_back

_FOLDER = click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="CRM_BACKUPS",
    help="The folder with the backups; `backups` under the home without it. It should be on another machine's disk.",
)
_KEY_FILE = click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The secret key that opens them (crm backup key), where the stack is not the one that made them.",
)
_BACKUP = click.option("--backup", "name", help="Its name in `crm backup list`; the newest without it.")
_SINCE = click.option("--since", required=True, help="A time such as 2026-11-28T16:00:00Z.")
_KEEP = click.option(
    "--keep",
    type=click.Choice(["restored", "latest"]),
    help="What becomes of records that were changed since: as in the backup, or as the audit log knows them last.",
)
_MISSING = click.option(
    "--missing",
    type=click.Choice(["recreate", "remove"]),
    help="What becomes of records that were made since: made again from the audit log, or told as removed.",
)


def dumps_of(stack: Stack, key_file: Path | None = None) -> Dumps:
    """The dumps of a stack's server, sealed with its key or the one in a file."""
    key = key_file.read_text() if key_file else stack.credentials.age_identity(KEY_NAME)
    binaries = programs.require(programs.postgres_folder(), programs.POSTGRES)
    return Dumps(stack.postgres.url, binaries, Seal(key))


def shelf_of(home: Path, folder: Path | None) -> Shelf:
    """The backups in a folder, those under the home without one."""
    return Shelf(folder or home / "backups")


@click.group(name="backup", invoke_without_command=True)
@_FOLDER
@click.option("--keep-days", type=click.IntRange(1), default=KEEP.days, show_default=True, help="Older ones go.")
@click.pass_context
def backup_command(context: click.Context, folder: Path | None, keep_days: int) -> None:
    """Back up every service's database, sealed; without a subcommand, make one now."""
    home: Path = context.obj
    if context.invoked_subcommand is not None:
        return
    began = time.monotonic()
    stack = existing(home)
    dumps, shelf = dumps_of(stack), shelf_of(home, folder)
    backup = dumps.make(shelf, stack.credentials.path)
    screen.step("backup", f"{backup.name} · {backup.size_text} · {backup.folder}", time.monotonic() - began)
    for gone in shelf.prune(timedelta(days=keep_days), datetime.now(UTC)):
        screen.step("deleted", f"{gone}, older than {keep_days} days")


@backup_command.command(name="list")
@_FOLDER
@click.pass_obj
def list_backups(home: Path, folder: Path | None) -> None:
    """Show every backup, the oldest first."""
    rows = [(each.name, each.began_at[:19], each.size_text) for each in shelf_of(home, folder).all()]
    screen.table([("BACKUP", "BEGAN (UTC)", "SIZE"), *rows])


@backup_command.command()
@_FOLDER
@_BACKUP
@_KEY_FILE
@click.option("--full", is_flag=True, help="Restore each part into a database of its own, and drop that.")
@click.pass_obj
def verify(home: Path, folder: Path | None, name: str | None, key_file: Path | None, *, full: bool) -> None:
    """Read a backup as a restoration would; fails when anything is missing or damaged."""
    backup = shelf_of(home, folder).get(name)
    for part, said in dumps_of(existing(home), key_file).verify(backup, full=full):
        screen.step(part, said)
    screen.step("verified", f"{backup.name} · {backup.size_text}")


@backup_command.command()
@click.pass_obj
def key(home: Path) -> None:
    """Print the secret key that opens the backups: keep it where neither they nor this machine are."""
    print(existing(home).credentials.age_identity(KEY_NAME))


@click.group(name="restore")
def restore_command() -> None:
    """Put back what is in a backup."""


@restore_command.command()
@_FOLDER
@_BACKUP
@_KEY_FILE
@click.option("--yes", is_flag=True, envvar="YES", help="Do not ask.")
@click.pass_obj
def everything(home: Path, folder: Path | None, name: str | None, key_file: Path | None, *, yes: bool) -> None:
    """Put every service back to the backup; what has happened since is lost."""
    stack, backup = existing(home), shelf_of(home, folder).get(name)
    if not yes:
        click.confirm(f"Give up everything that has happened since {backup.began_at[:19]} UTC?", abort=True)
    began = time.monotonic()
    Restoration(stack, dumps_of(stack, key_file), backup, screen.step).everything()
    screen.step("done", "the databases from before stay as <service>_replaced", time.monotonic() - began)


@restore_command.command()
@click.argument("name_of_service", metavar="SERVICE", type=click.Choice(list(SERVICES)))
@_FOLDER
@_BACKUP
@_KEY_FILE
@_KEEP
@_MISSING
@click.pass_obj
def service(  # noqa: PLR0917  # click gives each option by its name.
    home: Path,
    name_of_service: str,
    folder: Path | None,
    name: str | None,
    key_file: Path | None,
    keep: str | None,
    missing: str | None,
) -> None:
    """Put one service back to the backup and heal it, while the others go on."""
    stack, backup = existing(home), shelf_of(home, folder).get(name)
    began = time.monotonic()
    restoration = Restoration(stack, dumps_of(stack, key_file), backup, screen.step)
    complete = restoration.one(name_of_service, keep=keep, missing=missing)
    screen.step("done", f"the database from before stays as {name_of_service}_replaced", time.monotonic() - began)
    if not complete:
        raise SystemExit(1)


@restore_command.command()
@click.argument("name_of_service", metavar="SERVICE", type=click.Choice(list(SERVICES)))
@_SINCE
@_KEEP
@_MISSING
@click.pass_obj
def heal(home: Path, name_of_service: str, since: str, keep: str | None, missing: str | None) -> None:
    """Heal a service whose database was restored by other means, to an instant not before --since."""
    stack = existing(home)
    backup = Backup("", home, _moment(since).isoformat(), "")
    if not Restoration(stack, dumps_of(stack), backup, screen.step).heal_alone(
        name_of_service, keep=keep, missing=missing
    ):
        raise SystemExit(1)


@click.group(name="outbox")
def outbox_command() -> None:
    """Events that the services have published."""


@outbox_command.command()
@_SINCE
@click.option("--service", "services", multiple=True, type=click.Choice(list(SERVICES)), help="Not all of them.")
@click.pass_obj
def republish(home: Path, since: str, services: tuple[str, ...]) -> None:
    """Publish again what was published since then (a week at most): after a broker was lost with its queues."""
    stack = existing(home)
    for each in services or tuple(SERVICES):
        arguments = ("again", each, "--since", _moment(since).isoformat())
        said = stack.preparation.run(each, "chassis.broker.republishing", *arguments).strip()
        screen.step("published again", f"{said} of {each}")


@click.command(name="doctor")
@_FOLDER
@click.pass_obj
def doctor_command(home: Path, folder: Path | None) -> None:
    """Look at what goes wrong in a stack, or soon will, and say what to do; fails when there is something."""
    stack = existing(home)
    well = True
    for finding in doctor.examine(stack, folder or home / "backups", datetime.now(UTC)):
        well = well and finding.well
        if finding.well:
            screen.step(finding.about, finding.said)
        else:
            screen.warn(finding.about, f"{finding.said} → {finding.cure}")
    if not well:
        raise SystemExit(1)


@click.command(name="upgrade")
@_FOLDER
@click.option("--contract", is_flag=True, help="Also by migrations after which the release before cannot run.")
@click.pass_obj
def upgrade_command(home: Path, folder: Path | None, *, contract: bool) -> None:
    """Take a running stack to the code in this checkout: look, back up, migrate, replace one program after another."""
    began = time.monotonic()
    stack = existing(home)
    upgrade = Upgrade(stack, dumps_of(stack), shelf_of(home, folder), screen.step)
    backup = upgrade.run(contract=contract)
    screen.step("ready", "everything answers", time.monotonic() - began)
    print(way_back(backup))


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OperatorError(f"{text} is no time; write it like 2026-11-28T16:00:00Z") from None
    if moment.tzinfo is None:
        raise OperatorError(f"{text} does not say its zone; write it like {text}Z")
    return moment
