"""Throw-away PostgreSQL and RabbitMQ for a test run in containers, by testcontainers; loaded where Docker answers."""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import psycopg
from docker.errors import DockerException  # type: ignore[import-untyped]  # It ships no types.
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from crm import programs
from crm.errors import NotReadyError, OperatorError
from crm.ports import LOOPBACK, free_port
from crm.servers.amqp_probe import sign_in
from crm.servers.postgres import SETTINGS, SUPERUSER
from crm.servers.rabbitmq import ADMIN, ERLANG_ARGUMENTS, WRITE_AHEAD_LOG, BrokerUser, definitions

_NEWEST_POSTGRES = "17"
_SECONDS = 120.0
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "500"}


def postgres_image() -> str:
    """Of the release whose tools are here, which read and write dumps in tests; the newest where none are."""
    folder = programs.postgres_folder()
    return os.environ.get("POSTGRES_IMAGE", f"postgres:{folder.parent.name if folder else _NEWEST_POSTGRES}")


def broker_image() -> str:
    return os.environ.get("RABBITMQ_IMAGE", "rabbitmq:4-management")


@contextlib.contextmanager
def running(*, postgres: bool, broker: bool, vhosts: Sequence[str], password: str) -> Iterator[Mapping[str, str]]:
    """Run what is asked for; hand out the URLs of administrators by the image. Raises OperatorError without images."""
    # Its own watchman would be one more image; the process that calls this ends with the run and takes all along.
    testcontainers_config.ryuk_disabled = True
    with contextlib.ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="crm-servers-")))
        folder.chmod(0o755)
        amqp = free_port()
        sql = free_port([amqp])
        checks: list[Callable[[], None]] = []
        urls: dict[str, str] = {}
        try:
            if broker:
                ends.enter_context(_rabbitmq(folder, amqp, vhosts, password))
                checks.append(lambda: sign_in(amqp, ADMIN, password, vhosts[0]))
                urls[broker_image()] = f"amqp://{ADMIN}:{password}@{LOOPBACK}:{amqp}/{vhosts[0]}"
            if postgres:
                url = f"postgresql://{SUPERUSER}:{password}@{LOOPBACK}:{sql}/postgres"
                ends.enter_context(_postgres(folder, sql, password))
                checks.append(lambda: _connects(url))
                urls[postgres_image()] = url
        except DockerException as error:
            raise OperatorError(f"the Docker engine cannot run the servers: {error}") from None
        for check in checks:
            _until(check)
        yield urls


def _postgres(folder: Path, port: int, password: str) -> DockerContainer:
    settings = {**SETTINGS, **_NOT_DURABLE}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    file = _readable(folder / "superuser", password)
    container = DockerContainer(postgres_image()).with_volume_mapping(file, "/run/crm/superuser")
    container = container.with_env("POSTGRES_PASSWORD_FILE", "/run/crm/superuser")
    container = container.with_env("POSTGRES_INITDB_ARGS", "--auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8")
    return _published(container, 5432, port).with_command(["postgres", *options])


def _rabbitmq(folder: Path, port: int, vhosts: Sequence[str], password: str) -> DockerContainer:
    admin = BrokerUser(ADMIN, password, administrator=True)
    known = _readable(folder / "definitions.json", definitions([admin], vhosts))
    settings = f"load_definitions = /run/crm/definitions.json\nraft.wal_max_size_bytes = {WRITE_AHEAD_LOG}\n"
    told = _readable(folder / "20-crm.conf", settings)
    container = DockerContainer(broker_image()).with_env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERLANG_ARGUMENTS)
    container = container.with_volume_mapping(known, "/run/crm/definitions.json")
    container = container.with_volume_mapping(told, "/etc/rabbitmq/conf.d/20-crm.conf")
    return _published(container, 5672, port)


def _readable(path: Path, text: str) -> Path:
    """For the user that a server is in its container."""
    path.write_text(text)
    path.chmod(0o644)
    return path


def _published(container: DockerContainer, inside: int, port: int) -> DockerContainer:
    """As the user that both images make, and on loopback alone, which testcontainers does not offer."""
    container.ports[str(inside)] = (LOOPBACK, port)  # type: ignore[assignment]  # Docker's own client takes it.
    return container.with_kwargs(user="999:999")


def _connects(url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError as error:
        raise NotReadyError(" ".join(str(error).split())) from None


def _until(check: Callable[[], None]) -> None:
    deadline = time.monotonic() + _SECONDS
    while True:
        try:
            check()
        except NotReadyError as error:
            if time.monotonic() > deadline:
                raise OperatorError(f"a server in a container is not ready: {error}") from None
            time.sleep(0.1)
        else:
            return
