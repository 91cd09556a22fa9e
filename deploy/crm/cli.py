"""The operator's command line, `crm`; the Makefile's targets call it."""

import contextlib
import errno
import io
import os
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import click

from crm import modes, programs, screen, settings_file
from crm.backup.commands import backup_command, doctor_command, upgrade_command
from crm.backup.restore_commands import outbox_command, restore_command
from crm.client import seed
from crm.client.demo import NORTHWIND
from crm.compose.commands import COMMANDS
from crm.compose.stack import Containers
from crm.consumer_commands import consumers
from crm.dead_letter_commands import dead_letters
from crm.environment import mail_folder
from crm.errors import OperatorError
from crm.import_command import import_command
from crm.kubernetes.commands import kubernetes
from crm.sandbox import running
from crm.settings import REFERRING, SERVICES, WEB, StackSettings
from crm.stack import Stack, existing

_DEFAULT_PORT = 8080


class _Failure(click.ClickException):
    def show(self, file: IO[Any] | None = None) -> None:
        print(f"{screen.red('✗')} {self.message}", file=file or sys.stderr)


class _Group(click.Group):
    """Shows an operator's error as a sentence, and takes the commands of the mode that the stack is of."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # While the help is made no home has been read yet.
        if cmd_name in COMMANDS and ctx.obj is not None:
            wanted = ctx.params["mode"] if cmd_name == "up" else modes.kept(ctx.obj)
            if wanted and modes.chosen(ctx.obj, wanted) == modes.COMPOSE:
                return COMMANDS[cmd_name]
        return super().get_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> object:
        # A file's name may be no text, and a terminal may know fewer characters than ours.
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except OperatorError as error:
            raise _Failure(str(error)) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # Whoever read the output has seen enough; click ends without a word.
                raise
            raise _Failure(f"{error.filename or 'the output'} cannot be written or read: {error.strerror}") from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".local"),
    show_default=True,
    envvar="CRM_HOME",
    help="The folder with the stack's data, secrets and logs.",
)
@click.option(
    "--mode",
    type=click.Choice(modes.MODES),
    default=modes.AUTO,
    show_default=True,
    envvar="CRM_MODE",
    help="How `up` starts a new stack: as containers, as programs of this machine, or as it can.",
)
@click.pass_context
def main(context: click.Context, home: Path, mode: str) -> None:  # noqa: ARG001  # `up` asks for the mode.
    """Run the whole CRM on this machine."""
    context.obj = home.absolute()


main.add_command(import_command)
main.add_command(consumers)
main.add_command(dead_letters)
main.add_command(kubernetes)
main.add_command(backup_command)
main.add_command(doctor_command)
main.add_command(restore_command)
main.add_command(upgrade_command)
main.add_command(outbox_command)


@main.command()
@click.option("--port", type=click.IntRange(1, 65535), envvar="CRM_PORT", help="The gateway's port (8080).")
@click.option("--demo/--no-demo", default=True, show_default=True, help="Create the demo data at the first start.")
@click.option("--tls-bind", envvar="CRM_TLS_BIND", help="Where the gateway listens with TLS too: 0.0.0.0:8443.")
@click.option(
    "--tls-certificate",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True),
    envvar="CRM_TLS_CERTIFICATE",
    help="Its certificate in PEM, with the key in it or in a .key beside it; renewed by replacing the file.",
)
@click.option(
    "--archive",
    envvar="CRM_ARCHIVE",
    help="Where every change goes besides: /folder, or s3://bucket/prefix?endpoint=HOST&region=REGION.",
)
@click.pass_obj
def up(  # noqa: PLR0917  # click gives each option by its name.
    home: Path, port: int | None, demo: bool, tls_bind: str | None, tls_certificate: str | None, archive: str | None
) -> None:
    """Start everything and wait until it answers."""
    began = time.monotonic()
    missing = programs.missing_packages(programs.SERVERS)
    if missing:
        raise OperatorError(f"missing: {', '.join(p.name for p in missing)}. Run: {programs.install_line(missing)}")
    first = not (home / "state.json").exists()
    collector = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    before = settings_file.kept(home)
    settings = StackSettings(
        gateway_port=port or (_DEFAULT_PORT if first else None),
        trace_collector=collector,
        tls_bind=tls_bind or before.tls_bind,
        tls_certificate=tls_certificate or before.tls_certificate,
        archive=archive or before.archive,
    )
    if (settings.tls_bind is None) != (settings.tls_certificate is None):
        raise OperatorError("TLS takes both --tls-bind and --tls-certificate")
    stack = Stack(home, settings)
    print(screen.bold("CRM") + " · native mode")
    version = ".".join(map(str, sys.version_info[:2]))
    screen.step("preflight", f"python {version} · {_versions()}")
    secrets = stack.credentials.path
    screen.step("secrets", f"{_short(secrets)} {'unchanged' if secrets.exists() else 'created'} (mode 600)")
    stack.up(screen.step)
    _demo_data(stack, wanted=demo)
    screen.step("ready", "everything answers", time.monotonic() - began)
    _print_addresses(stack)


def _versions() -> str:
    postgres = programs.postgres_folder()
    return f"postgres {postgres.parent.name if postgres else '?'} · rabbitmq · haproxy"


def _demo_data(stack: Stack, *, wanted: bool) -> None:
    if not wanted or stack.state.count("demo", 0):
        return
    began = time.monotonic()
    seeded = seed.seed(stack.gateway_url, stack.credentials, mail_folder(stack.home))
    stack.state.set_count("demo", 1)
    screen.step("demo data", _describe(seeded), time.monotonic() - began)


def _describe(seeded: seed.Seeded) -> str:
    return f"2 tenants · {seeded.created} customers created, {seeded.found} there already"


def _print_addresses(stack: Stack) -> None:
    url = stack.gateway_url
    print(f"""
  API            {url}/v1
  Public keys    {url}/.well-known/jwks.json
  Metrics        {stack.gateway_metrics_url}
  Mail           {_short(mail_folder(stack.home))}

  Sign in        {NORTHWIND.email} · the password: make creds
  Try            curl -s '{url}/v1/customers?limit=2' -H "Authorization: Bearer $(make -s token)"
  Look           make status · make logs S=customers · make scale S=customers N=2
  Stop           make down (keeps the data) · make destroy (deletes ALL data)""")


def _short(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@main.command()
@click.pass_obj
def down(home: Path) -> None:
    """Stop everything; the data stays."""
    if not (home / "state.json").exists():
        print("Nothing to stop.")
        return
    began = time.monotonic()
    Stack(home).down()
    screen.step("stopped", "the data stays; start again with: make up", time.monotonic() - began)


@main.command()
@click.option("--yes", is_flag=True, envvar="YES", help="Do not ask.")
@click.pass_obj
def destroy(home: Path, yes: bool) -> None:
    """Stop everything and delete ALL data, secrets and logs."""
    if not home.exists():
        print("Nothing to delete.")
        return
    if not yes:
        click.confirm(f"Delete everything in {home}, data and secrets included?", abort=True)
    Stack(home).destroy()
    screen.step("destroyed", _short(home))


@main.command()
@click.pass_obj
def status(home: Path) -> None:
    """Show every process and its memory (PSS: what it shares counts in part); fails when one is not ready."""
    rows = existing(home).programs()
    lines = [("PROGRAM", "STATE", "PID", "UPTIME", "MEMORY", "READY")]
    for row in rows:
        pid, uptime = (str(row.pid), screen.duration(row.uptime)) if row.pid else ("-", "-")
        lines.append((row.name, row.state.lower(), pid, uptime, screen.size(row.memory), row.reason or "yes"))
    lines.append(("all", "", "", "", screen.size(sum(row.memory for row in rows)), ""))
    screen.table(lines)
    if any(row.reason for row in rows):
        raise SystemExit(1)


@main.command()
@click.argument("program", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written.")
@click.option("-n", "--lines", default=50, show_default=True)
@click.pass_obj
def logs(home: Path, program: str | None, follow: bool, lines: int) -> None:
    """Show the last lines of PROGRAM's log; a service's name shows all its processes, nothing shows all there is."""
    folder = existing(home).home / "logs"
    known = sorted(folder.glob("*.log"))
    chosen = [path for path in known if program is None or path.stem == program or path.stem.startswith(f"{program}-")]
    if not chosen:
        raise OperatorError(f"there is no log of {program}; known are: {', '.join(path.stem for path in known)}")
    command = ["tail", f"--lines={lines}", *(["--follow=name", "--retry"] if follow else []), *map(str, chosen)]
    sys.stdout.flush()
    os.execvp(command[0], command)  # noqa: S606  # No shell is wanted.


@main.command()
@click.argument("name")
@click.argument("count", type=click.IntRange(0, 32))
@click.pass_obj
def scale(home: Path, name: str, count: int) -> None:
    """Run COUNT web processes of a service (`customers`), or COUNT workers (`customers-worker`)."""
    service, _, kind = name.partition("-")
    began = time.monotonic()
    existing(home).scale(service, kind or WEB, count)
    screen.step("scaled", f"{service}-{kind or WEB}: {count}", time.monotonic() - began)


def _opened(home: Path) -> Stack | Containers:
    return Containers(home) if modes.kept(home) == modes.COMPOSE else existing(home)


@main.group()
def keys() -> None:
    """The keys that sign access tokens."""


@keys.command(name="list")
@click.pass_obj
def list_keys(home: Path) -> None:
    """Show every key: which one signs, which one comes next, which ones have."""
    listed = _opened(home).signing_keys()
    rows = [(key.kid, key.status, key.created_at[:19], (key.retired_at or "-")[:19]) for key in listed]
    screen.table([("KEY", "STATUS", "MADE (UTC)", "RETIRED"), *rows])


@keys.command()
@click.option("--compromised", is_flag=True, help="Somebody else has the key that signs: end its tokens at once.")
@click.pass_obj
def rotate(home: Path, compromised: bool) -> None:
    """Let the next key sign; the one before stays good until its tokens have expired."""
    began = time.monotonic()
    done = _opened(home).rotate_keys(compromised=compromised)
    screen.step("rotated", f"{done.active} signs", time.monotonic() - began)
    before = "good until the last token that it signed has expired, in ten minutes"
    if compromised:
        before = "refused from now on; everybody gets a new token with the next refresh"
    print(f"""
  Signs     {done.active}: in every process within 15 seconds
  Before    {done.retired}: {before}
  Next      {done.next}: known to the gateway; may sign in three minutes at the earliest""")


@main.command()
@click.argument("service", type=click.Choice(sorted(REFERRING)))
@click.option("--remove", is_flag=True, help="Take for purged what its owner does not know.")
@click.pass_obj
def resync(home: Path, service: str, *, remove: bool) -> None:
    """Rebuild what SERVICE keeps of other services' records from what these know."""
    sys.stdout.flush()
    _opened(home).resync(service, remove=remove)


@main.group()
def customers() -> None:
    """Look after the customers and leads that there are."""


@customers.command()
@click.option("--company", type=int, default=1, help="Go on with this company, and those behind it.")
@click.pass_obj
def rekey(home: Path, *, company: int) -> None:
    """Make the keys anew by which customers, contacts and leads are recognised; may be stopped, and run again."""
    stack = _opened(home)
    make_keys = stack.preparation.rekey if isinstance(stack, Stack) else stack.rekey
    for service in ("customers", "pipeline"):
        print(service, flush=True)
        make_keys(service, company)


@main.command()
@click.pass_obj
def token(home: Path) -> None:
    """Print an access token of the demo tenant's admin, and nothing else."""
    stack = existing(home)
    print(seed.sign_in(stack.gateway_url, stack.credentials, NORTHWIND))


@main.command()
@click.pass_obj
def creds(home: Path) -> None:
    """Show the demo tenants' sign-ins."""
    screen.table(seed.table_of_sign_ins(existing(home).credentials))


@main.command(name="seed")
@click.pass_obj
def seed_command(home: Path) -> None:
    """Create the demo data that is not there."""
    stack = existing(home)
    seeded = seed.seed(stack.gateway_url, stack.credentials, mail_folder(stack.home))
    stack.state.set_count("demo", 1)
    screen.step("demo data", _describe(seeded))


@main.command(name="test-servers")
def test_servers() -> None:
    """Run throw-away PostgreSQL and RabbitMQ for many test runs, until Ctrl-C."""
    with running(vhosts=("main", *(f"gw{number}" for number in range(8)))) as sandbox:
        postgres, broker = sandbox.postgres(), sandbox.broker()
        assert postgres is not None
        assert broker is not None
        print(f"export CRM_TEST_POSTGRES_URL={postgres.url()}")
        print(f"export CRM_TEST_BROKER_URL={broker.url()}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


@main.command()
@click.argument("service", type=click.Choice(list(SERVICES)))
def openapi(service: str) -> None:
    """Print the OpenAPI document of SERVICE."""
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "chassis", "openapi", service])  # noqa: S606  # No shell is wanted.
