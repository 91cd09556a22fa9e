"""The processes of a service: `python -m chassis <command> <service>`, with a command of `COMMANDS`.

`topology` takes several services: an operator with one account at the broker declares all of them in one go.
"""

import gc
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

if __name__ == "__main__":
    # What is loaded stays until the end: to look for garbage in it again and again is a tenth of the time it takes.
    gc.disable()

if sys.argv[1:2] == ["web"] and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    # gunicorn's workers count in files, and prometheus_client decides where when it is imported.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="crm-metrics-")

if "rich" not in sys.modules:
    # structlog loads it where it is installed, for traces in colour that no log of a service has: 6 MiB a process.
    sys.modules["rich"] = None  # type: ignore[assignment]  # What `import` takes for a module that is not there.

import orjson

from chassis import allocator, logging, tracing
from chassis.config import SPARE_THREADS, WAITING_THREADS, Settings, SettingsError, exit_with
from chassis.service import Service, folder_of_migrations, load

Loaded = TypeVar("Loaded")
COMMANDS = ("web", "worker", "relay", "consumer", "migrate", "migrated", "topology", "openapi")
USAGE = 64  # sysexits.h: the command was used wrongly.


def main(arguments: list[str]) -> None:
    """Run one command; leaves the process with 64 for an unknown one and 78 when settings are missing."""
    command, *names = arguments or [""]
    if command not in COMMANDS or not names or (len(names) > 1 and command != "topology"):
        print(f"usage: python -m chassis {'|'.join(COMMANDS)} <service>", file=sys.stderr)  # noqa: T201  # A command line.
        raise SystemExit(USAGE)
    if command in ("migrate", "migrated"):
        (_migrate if command == "migrate" else _migrated)(_loaded(folder_of_migrations, names[0]))
        return
    allocator.give_back()
    services = [_loaded(load, name) for name in names]
    if command == "web":
        # gunicorn loads the application, and collects from then on.
        _web(services[0])
        return
    gc.freeze()
    gc.enable()
    if command == "openapi":
        _openapi(services[0])
    elif command == "topology":
        _topology(services)
    else:
        _broker(services[0], command)


def _loaded(loader: Callable[[str], Loaded], name: str) -> Loaded:
    try:
        return loader(name)
    except ImportError as error:
        print(f"there is no service {name}: {error}", file=sys.stderr)  # noqa: T201  # A command line.
        raise SystemExit(USAGE) from error


def _settings(service: Service, *required: str) -> Settings:
    try:
        return service.settings.from_environment(required=required)
    except SettingsError as error:
        exit_with(error)


def _plain_settings(*required: str) -> Settings:
    """Those that all services have, for what needs nothing else of one and does not wait until it is loaded."""
    try:
        return Settings.from_environment(required=required)
    except SettingsError as error:
        exit_with(error)


def _web(service: Service) -> None:
    """Be gunicorn, with the service loaded before it forks: its workers share what they do not change."""
    from gunicorn.app.wsgiapp import WSGIApplication  # noqa: PLC0415  # No other process loads gunicorn.

    settings = _settings(service, "jwks_url", "cursor_secret", *service.required)
    # They are made when they are needed.
    threads = str(settings.web_threads * (1 + WAITING_THREADS) + SPARE_THREADS)
    bind = ["--bind", settings.web_bind, "--workers", str(settings.web_workers), "--threads", threads]
    sys.argv = ["gunicorn", "--config", "python:chassis.web.gunicorn", *bind, f"{service.name}.wsgi:create_app()"]
    WSGIApplication("%(prog)s [OPTIONS] APP").run()


def _openapi(service: Service) -> None:
    """Print the OpenAPI document. It needs no database: connections are made on first use."""
    from chassis.db.session import Database  # noqa: PLC0415  # Only this command builds an application by hand.
    from chassis.web.application import ServiceApplication  # noqa: PLC0415  # See above.

    settings = service.settings(database_url="postgresql://", cursor_secret="-" * 32)
    application = ServiceApplication(service, settings, Database(settings.database_url))
    sys.stdout.buffer.write(orjson.dumps(application.document, option=orjson.OPT_INDENT_2) + b"\n")


def _migrate(folder: Path) -> None:
    """Bring the database to the newest revision, and print it."""
    from chassis.db import migrations  # noqa: PLC0415  # No other process loads Alembic.

    _plain_settings("owner_database_url")
    print(migrations.upgrade(folder))  # noqa: T201  # A command line.


def _migrated(folder: Path) -> None:
    """Wait until another process has brought the database to what this code wants, or one newer."""
    from chassis.db import revisions  # noqa: PLC0415  # See above.

    print(revisions.wait_for(_plain_settings().database_url, folder))  # noqa: T201  # A command line.


def _topology(services: list[Service]) -> None:
    """Declare what each of the services needs at the broker; `OWNER_BROKER_URL` is that of all of them."""
    from chassis.broker import topology  # noqa: PLC0415  # A web process never loads the broker's client.

    try:
        for service in services:
            owner_url = _settings(service, "owner_broker_url").owner_broker_url
            topology.declare(owner_url, service.name, service.subscriptions)
    except topology.TopologyError as error:
        raise SystemExit(str(error)) from error


def _broker(service: Service, command: str) -> None:
    from chassis.broker import worker  # noqa: PLC0415  # A web process never loads the broker's client.

    settings = _settings(service, "broker_url", "relay_database_url")
    logging.configure(service.name, settings.log_level)
    tracing.start(service.name, settings.service_version, settings.otel_exporter_otlp_endpoint)
    try:
        worker.run(
            service,
            settings,
            relay=command in ("worker", "relay"),
            consumer=command in ("worker", "consumer"),
            schedules=command == "worker",
        )
    except SettingsError as error:
        exit_with(error)


if __name__ == "__main__":
    main(sys.argv[1:])
