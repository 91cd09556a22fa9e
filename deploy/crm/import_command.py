"""`crm import`: what it may be told, whom it signs in, and its exit status."""

from pathlib import Path
from urllib.parse import urlsplit

import click

from crm import modes
from crm.client import seed
from crm.client.api import Api, fixed
from crm.client.demo import NORTHWIND
from crm.client.import_talk import Talk
from crm.client.importing import PATHS, Imports, Options
from crm.compose.stack import Containers
from crm.errors import OperatorError
from crm.stack import existing

_TAB = "tab"


def _column(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> list[tuple[str, str]]:
    """`Column=field` as a pair; the last = divides, since a column's name may have one and a field's has none."""
    changes = []
    for text in given:
        column, sign, field = text.rpartition("=")
        if not sign or not column:
            raise click.BadParameter(f"{text!r} is not of the form 'Column=field'.")
        changes.append((column, field))
    return changes


def _address(_: click.Context, __: click.Parameter, url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and url.isprintable()
    except ValueError:  # The port is no number, or too large.
        good = False
    if not good:
        raise click.BadParameter(f"{url!r} is not of the form http://host:port.")
    return url


@click.command(name="import")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option(
    "--record-type",
    type=click.Choice(sorted(PATHS)),
    help="What the rows are: customers, the people at customers that are there, both in one, leads, or deals. Without "
    "it customers, or both where a file seems to hold companies and people.",
)
@click.option("--mode", type=click.Choice(["create", "update", "upsert"]), default="create", show_default=True)
@click.option(
    "--match-by",
    type=click.Choice(["id", "customer_code", "email", "deal_name"]),
    help="What a row's record is found by, for update and upsert.",
)
@click.option("--all-or-nothing", is_flag=True, help="One row that is refused refuses all.")
@click.option("--encoding", help="The file's, such as utf-8 or windows-1252; found out without it.")
@click.option("--delimiter", type=click.Choice([",", ";", "|", _TAB]), help="Found out without it.")
@click.option(
    "--on-unknown",
    type=click.Choice(["refuse", "empty"]),
    help="What becomes of a status, industry or owner that is not known; proposed without it.",
)
@click.option("--date-format", type=click.Choice(["day_first", "month_first"]), help="Of dates such as 03/04/2026.")
@click.option("--decimal-mark", type=click.Choice([".", ","]), help="What stands before the cents in amounts.")
@click.option(
    "--map",
    "changes",
    multiple=True,
    callback=_column,
    metavar="COLUMN=FIELD",
    help="The field that a column goes to; 'COLUMN=' leaves it out. May be given several times.",
)
@click.option("--dry-run", is_flag=True, help="Validate every row and import none.")
@click.option("--yes", is_flag=True, help="Do not ask before the import.")
@click.option("--revert", type=click.IntRange(1), metavar="ID", help="Undo the import ID instead, within 30 days.")
@click.option("--token", envvar="CRM_TOKEN", help="An access token; without it the demo tenant's admin signs in.")
@click.option(
    "--url", envvar="CRM_URL", callback=_address, help="The gateway's address; without it this machine's stack."
)
@click.pass_obj
def import_command(
    home: Path,
    file: Path | None,
    *,
    record_type: str | None,
    mode: str,
    match_by: str | None,
    all_or_nothing: bool,
    encoding: str | None,
    delimiter: str | None,
    on_unknown: str | None,
    date_format: str | None,
    decimal_mark: str | None,
    changes: list[tuple[str, str]],
    dry_run: bool,
    yes: bool,
    revert: int | None,
    token: str | None,
    url: str | None,
) -> None:
    """Import the records in the CSV file FILE: show what its columns mean, validate it, ask, run it.

    Fails (1) when a row was refused, or when the import was not run to its end.
    """
    if (file is None) == (revert is None):
        raise click.UsageError("Name a file, or an import with --revert.")
    talk = Talk(Imports(_api(home, url, token), record_type))
    if revert is not None:
        done = talk.revert(revert)
    else:
        assert file is not None
        options = Options(
            record_type=record_type,
            mode=mode,
            match_by=match_by,
            all_or_nothing=all_or_nothing,
            encoding=encoding,
            delimiter="\t" if delimiter == _TAB else delimiter,
            on_unknown=on_unknown,
            date_format=date_format,
            decimal_mark=decimal_mark,
        )
        done = talk.run(file, options, changes, dry_run=dry_run, ask=not yes)
    if not done:
        raise SystemExit(1)


def _api(home: Path, url: str | None, token: str | None) -> Api:
    if token is not None:
        if not token.strip():
            raise OperatorError("--token (or CRM_TOKEN) is empty")
        if not (token.isascii() and token.strip().isprintable()):
            raise OperatorError("--token (or CRM_TOKEN) is no access token: it has characters that none has")
        return Api(url or _gateway_url(home), fixed(token.strip()))
    if modes.kept(home) == modes.COMPOSE:
        containers = Containers(home)
        return Api(url or containers.url, lambda: containers.demo("token"))
    stack = existing(home)
    address = url or stack.gateway_url
    gateway = address.rstrip("/").removesuffix("/v1")
    # Tokens live ten minutes, and an import may take longer: a new one is fetched when the one at hand is refused.
    return Api(address, lambda: seed.sign_in(gateway, stack.credentials, NORTHWIND))


def _gateway_url(home: Path) -> str:
    return Containers(home).url if modes.kept(home) == modes.COMPOSE else existing(home).gateway_url
