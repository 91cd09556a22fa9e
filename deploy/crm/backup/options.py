"""What the commands about backups are told, and what they open with it."""

from datetime import datetime
from pathlib import Path

import click

from crm import programs
from crm.backup.dumps import KEY_NAME, Dumps
from crm.backup.sealing import Seal
from crm.backup.shelf import Shelf
from crm.errors import OperatorError
from crm.servers.archive import Archive
from crm.stack import Stack

FOLDER = click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="CRM_BACKUPS",
    help="The folder with the backups; `backups` under the home without it. It should be on another machine's disk.",
)
KEY_FILE = click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The secret key that opens them (crm backup key), where the stack is not the one that made them.",
)
BACKUP = click.option("--backup", "name", help="Its name in `crm backup list`; the newest without it.")
SINCE = click.option("--since", required=True, help="A time such as 2026-11-28T16:00:00Z.")
KEEP = click.option(
    "--keep",
    type=click.Choice(["restored", "latest"]),
    help="What becomes of records that were changed since: as in the backup, or as the audit log knows them last.",
)
MISSING = click.option(
    "--missing",
    type=click.Choice(["recreate", "remove"]),
    help="What becomes of records that were made since: made again from the audit log, or told as removed.",
)
AT = click.option("--at", "instant", metavar="TIME", help="An instant such as 2026-11-28T16:00:00Z, from the archive.")


def dumps_of(stack: Stack, key_file: Path | None = None) -> Dumps:
    """The dumps of a stack's server, sealed with its key or the one in a file."""
    key = key_file.read_text() if key_file else stack.credentials.age_identity(KEY_NAME)
    binaries = programs.require(programs.postgres_folder(), programs.POSTGRES)
    return Dumps(stack.postgres.url, binaries, Seal(key))


def shelf_of(home: Path, folder: Path | None) -> Shelf:
    """The backups in a folder, those under the home without one."""
    return Shelf(folder or home / "backups")


def archive_of(stack: Stack) -> Archive:
    """The archive of a stack that has one. Raises OperatorError for one that has not."""
    archive = stack.postgres.archive
    if archive is None:
        raise OperatorError("this stack has no archive; give it one with: make up CRM_ARCHIVE=/folder")
    return archive


def moment_of(text: str) -> datetime:
    """Raises OperatorError for what is no time, or one without its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise OperatorError(f"{text} is no time; write it like 2026-11-28T16:00:00Z") from None
    if moment.tzinfo is None:
        raise OperatorError(f"{text} does not say its zone; write it like {text}Z")
    return moment
