"""The commands of `crm` for a stack of containers; they are called as those of a native one are."""

import time
from collections.abc import Mapping
from pathlib import Path

import click

from crm import modes, screen
from crm.compose.restoring import archiving
from crm.compose.stack import Containers
from crm.compose.upgrading import Upgrade
from crm.errors import OperatorError
from crm.settings import WEB


def existing(home: Path) -> Containers:
    """The stack that is there. Raises OperatorError where none is."""
    if modes.kept(home) != modes.COMPOSE:
        raise OperatorError(f"there is no stack in {home}; make one with: make up")
    return Containers(home)


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), envvar="CRM_PORT", help="The gateway's port (8080).")
@click.option("--demo/--no-demo", default=True, show_default=True, help="Create the demo data at the first start.")
@click.pass_obj
def up(home: Path, port: int | None, demo: bool) -> None:
    """Build and start everything and wait until it answers."""
    began = time.monotonic()
    stack = Containers(home)
    print(screen.bold("CRM") + " · compose mode")
    stack.up(screen.step, port=port)
    if demo and not stack.has_demo_data:
        seeding = time.monotonic()
        screen.step("demo data", stack.demo("seed"), time.monotonic() - seeding)
    screen.step("ready", "everything answers", time.monotonic() - began)
    print(f"""
  API            {stack.url}/v1
  Public keys    {stack.url}/.well-known/jwks.json

  Sign in        make creds
  Try            curl -s '{stack.url}/v1/customers?limit=2' -H "Authorization: Bearer $(make -s token)"
  Look           make status · make logs S=customers · make scale S=customers N=2
  Stop           make down (keeps the data) · make destroy (deletes ALL data)""")


@click.command()
@click.pass_obj
def down(home: Path) -> None:
    """Stop everything; the data stays."""
    began = time.monotonic()
    existing(home).down()
    screen.step("stopped", "the data stays; start again with: make up", time.monotonic() - began)


@click.command()
@click.option("--yes", is_flag=True, envvar="YES", help="Do not ask.")
@click.pass_obj
def destroy(home: Path, yes: bool) -> None:
    """Stop everything and delete ALL data and secrets."""
    stack = existing(home)
    if not yes:
        click.confirm("Delete all containers and volumes of the stack, data and secrets included?", abort=True)
    stack.destroy()
    screen.step("destroyed", "all containers and volumes")


@click.command()
@click.pass_obj
def status(home: Path) -> None:
    """Show every container; fails when one is not ready."""
    rows = existing(home).containers()
    lines = [(row.name, row.state, row.since, row.reason or "yes") for row in rows]
    screen.table([("CONTAINER", "STATE", "SINCE", "READY"), *lines])
    if not rows or any(row.reason for row in rows):
        raise SystemExit(1)


@click.command()
@click.argument("program", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written.")
@click.option("-n", "--lines", default=50, show_default=True)
@click.pass_obj
def logs(home: Path, program: str | None, follow: bool, lines: int) -> None:
    """Show the last lines of PROGRAM's log; a service's name shows all its containers, nothing shows all there is."""
    existing(home).follow_logs(program, lines=lines, follow=follow)


@click.command()
@click.argument("name")
@click.argument("count", type=click.IntRange(0, 16))
@click.pass_obj
def scale(home: Path, name: str, count: int) -> None:
    """Run COUNT web containers of a service (`customers`), or COUNT workers (`customers-worker`)."""
    service, _, kind = name.partition("-")
    began = time.monotonic()
    existing(home).scale(service, kind or WEB, count)
    screen.step("scaled", f"{service}-{kind or WEB}: {count}", time.monotonic() - began)


@click.command()
@click.argument("name")
@click.pass_obj
def roll(home: Path, name: str) -> None:
    """Put new containers in the place of those of NAME (`customers-web`), without a gap."""
    began = time.monotonic()
    existing(home).roll(name)
    screen.step("rolled", name, time.monotonic() - began)


@click.command()
@click.pass_obj
def token(home: Path) -> None:
    """Print an access token of the demo tenant's admin, and nothing else."""
    print(existing(home).demo("token"))


@click.command()
@click.pass_obj
def creds(home: Path) -> None:
    """Show the demo tenants' sign-ins."""
    print(existing(home).demo("creds"))


@click.command()
@click.pass_obj
def seed(home: Path) -> None:
    """Create the demo data that is not there."""
    screen.step("demo data", existing(home).demo("seed"))


@click.command()
@click.option("--contract", is_flag=True, help="Also by migrations after which the release before cannot run.")
@click.pass_obj
def upgrade(home: Path, *, contract: bool) -> None:
    """Take running containers to the code in this checkout: look, back up, migrate, replace one after another."""
    began = time.monotonic()
    Upgrade(existing(home), screen.step).run(contract=contract)
    screen.step("ready", "everything answers", time.monotonic() - began)


@click.group(invoke_without_command=True)
@click.pass_context
def backup(context: click.Context) -> None:
    """Back up every service's database, sealed; without a subcommand, make one now."""
    if context.invoked_subcommand is None:
        print(existing(context.obj).backup("make"), end="")


@backup.command(name="list")
@click.pass_obj
def list_backups(home: Path) -> None:
    """Show every backup, the oldest first."""
    stack = existing(home)
    print(stack.backup("list"), end="")
    if stack.has_archive:
        print()
        print(archiving(stack, "list"), end="")


@backup.command()
@click.option("--full", is_flag=True, help="All of it, however old the last full one is.")
@click.pass_obj
def base(home: Path, *, full: bool) -> None:
    """Make a base backup in the archive: what has changed since the last one, or all of it each week."""
    print(archiving(existing(home), "base", *(["full"] if full else [])), end="")


@backup.command()
@click.option("--backup", "name", help="Its name in `crm backup list`; the newest without it.")
@click.option("--archive", "of_archive", is_flag=True, help="Read the whole archive instead.")
@click.pass_obj
def verify(home: Path, name: str | None, *, of_archive: bool) -> None:
    """Read a backup as a restoration would; fails when anything is missing or damaged."""
    if of_archive:
        print(archiving(existing(home), "verify"), end="")
        return
    print(existing(home).backup("verify", *([name] if name else [])), end="")


@backup.command()
@click.pass_obj
def key(home: Path) -> None:
    """Print the secret key that opens the backups: keep it where neither they nor this machine are."""
    print(existing(home).backup("key"), end="")


COMMANDS: Mapping[str, click.Command] = {
    command.name or "": command
    for command in (up, down, destroy, status, logs, scale, token, creds, seed, upgrade, backup)
}
