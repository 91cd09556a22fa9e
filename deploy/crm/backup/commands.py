"""The commands `crm backup`, `crm doctor` and `crm upgrade` of a stack of programs."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from crm import doctor, screen
from crm.backup.dumps import KEEP, KEY_NAME
from crm.backup.options import BACKUP, FOLDER, KEY_FILE, archive_of, dumps_of, shelf_of
from crm.servers.archive import passphrase
from crm.stack import existing
from crm.upgrading import Upgrade, way_back


@click.group(name="backup", invoke_without_command=True)
@FOLDER
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
@FOLDER
@click.pass_obj
def list_backups(home: Path, folder: Path | None) -> None:
    """Show every backup, the oldest first."""
    rows = [(each.name, each.began_at[:19], each.size_text) for each in shelf_of(home, folder).all()]
    screen.table([("BACKUP", "BEGAN (UTC)", "SIZE"), *rows])
    archive = existing(home).postgres.archive
    if archive is not None:
        print()
        screen.table([("IN THE ARCHIVE", "KIND", "LEADS ON FROM (UTC)", "SIZE"), *archive.rows()])


@backup_command.command()
@click.option("--full", is_flag=True, help="All of it, however old the last full one is.")
@click.pass_obj
def base(home: Path, *, full: bool) -> None:
    """Make a base backup in the archive: what has changed since the last one, or all of it each week."""
    began = time.monotonic()
    made = archive_of(existing(home)).make(datetime.now(UTC), full=full)
    screen.step("base backup", f"{made.name} · {made.kind} · {screen.size(made.size)}", time.monotonic() - began)


@backup_command.command()
@FOLDER
@BACKUP
@KEY_FILE
@click.option("--full", is_flag=True, help="Restore each part into a database of its own, and drop that.")
@click.option("--archive", "of_archive", is_flag=True, help="Read the whole archive instead.")
@click.pass_obj
def verify(  # click gives each option by its name.
    home: Path, folder: Path | None, name: str | None, key_file: Path | None, *, full: bool, of_archive: bool
) -> None:
    """Read a backup as a restoration would; fails when anything is missing or damaged."""
    if of_archive:
        began = time.monotonic()
        archive = archive_of(existing(home))
        archive.check()
        screen.step("verified", archive.verify(), time.monotonic() - began)
        return
    backup = shelf_of(home, folder).get(name)
    for part, said in dumps_of(existing(home), key_file).verify(backup, full=full):
        screen.step(part, said)
    screen.step("verified", f"{backup.name} · {backup.size_text}")


@backup_command.command()
@click.option("--archive", "of_archive", is_flag=True, help="What pgBackRest asks for instead, which is made from it.")
@click.pass_obj
def key(home: Path, *, of_archive: bool) -> None:
    """Print the secret key that opens the backups: keep it where neither they nor this machine are."""
    secret = existing(home).credentials.age_identity(KEY_NAME)
    print(passphrase(secret) if of_archive else secret)


@click.command(name="doctor")
@FOLDER
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
@FOLDER
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
