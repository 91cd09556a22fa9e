"""Throw-away PostgreSQL and RabbitMQ for a test run, owned by a process that stops them when its standard input closes.

Being a process of its own is what makes it safe: when the test runner is killed, the kernel closes the pipe.
"""

import argparse
import contextlib
import dataclasses
import json
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from crm import places
from crm.errors import OperatorError
from crm.ports import free_port
from crm.servers import Postgres, RabbitMQ, Server
from crm.servers.rabbitmq import ADMIN, BrokerPorts, BrokerUser

_PASSWORD = "sandbox"  # noqa: S105  # Loopback, random port, no data worth a secret; gone in minutes.


@dataclasses.dataclass(frozen=True)
class Sandbox:
    """What the owner of a sandbox has to know; travels as one line of JSON."""

    home: str
    postgres_port: int | None
    broker_ports: BrokerPorts | None
    vhosts: tuple[str, ...]
    # The administrators' URLs of servers that run in containers, by their images, and why none do.
    urls: dict[str, str] = dataclasses.field(default_factory=dict)
    reason: str = ""

    def dumps(self) -> str:
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def loads(cls, text: str) -> "Sandbox":
        values = json.loads(text)
        ports = values["broker_ports"]
        changed = {"broker_ports": BrokerPorts(**ports) if ports else None, "vhosts": tuple(values["vhosts"])}
        return cls(**(values | changed))

    def url(self, scheme: str) -> str | None:
        """The URL of a server in a container, by what it begins with."""
        return next((url for url in self.urls.values() if url.startswith(f"{scheme}://")), None)

    def postgres(self) -> Postgres | None:
        if self.postgres_port is None:
            return None
        return Postgres(
            Path(self.home), port=self.postgres_port, password=_PASSWORD, durable=False, max_connections=500
        )

    def broker(self) -> RabbitMQ | None:
        if self.broker_ports is None:
            return None
        admin = BrokerUser(ADMIN, _PASSWORD, administrator=True)
        return RabbitMQ(Path(self.home), ports=self.broker_ports, users=[admin], vhosts=self.vhosts)


def temporary_home(prefix: str = "crm-") -> Path:
    """A short temporary folder that unprivileged servers can pass through."""
    home = Path(tempfile.mkdtemp(prefix=prefix))
    home.chmod(0o711)
    return home


@contextlib.contextmanager
def running(
    *, postgres: bool = True, broker: bool = True, vhosts: Sequence[str] = ("crm",), ready: bool = True
) -> Iterator[Sandbox]:
    """Start what is asked for in a temporary folder; stop it and delete the folder at the end, whatever happens.

    Unless it is to be `ready` in the block, whoever wants a server there waits for it.
    """
    home = temporary_home()
    try:
        taken: list[int] = []
        for _ in range(4):
            taken.append(free_port(taken))
        ports = BrokerPorts(amqp=taken[1], distribution=taken[2], epmd=taken[3]) if broker else None
        sandbox = Sandbox(str(home), taken[0] if postgres else None, ports, tuple(vhosts))
        # The broker takes longest: it starts first, and everything else happens while it does.
        servers: list[Server] = [server for server in (sandbox.broker(), sandbox.postgres()) if server is not None]
        try:
            for server in servers:
                server.prepare()
                server.start()
            for server in servers if ready else ():
                server.wait_ready()
            yield sandbox
        finally:
            for server in servers:
                server.stop()
    finally:
        with contextlib.suppress(OSError):
            places.remove(home)
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument("--no-broker", action="store_true")
    parser.add_argument("--containers", action="store_true", help="in containers, if it has the images")
    parser.add_argument("--early", action="store_true", help="tell of servers that boot; containers are always ready")
    parser.add_argument("--vhosts", default="crm", help="separated by commas")
    options = parser.parse_args()
    # A Ctrl-C in the terminal is for the test runner, which ends by closing our standard input.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    vhosts = options.vhosts.split(",")
    wanted = {"postgres": not options.no_postgres, "broker": not options.no_broker}
    with contextlib.ExitStack() as ends:
        sandbox, reason = None, ""
        if options.containers:
            from crm import container_servers  # noqa: PLC0415  # Docker's client is loaded where there is Docker.

            try:
                urls = ends.enter_context(container_servers.running(**wanted, vhosts=vhosts, password=_PASSWORD))
                sandbox = Sandbox("", None, None, tuple(vhosts), dict(urls))
            except OperatorError as error:
                reason = " ".join(str(error).split())
        if sandbox is None:
            started = ends.enter_context(running(**wanted, vhosts=vhosts, ready=not options.early))
            sandbox = dataclasses.replace(started, reason=reason)
        print(sandbox.dumps(), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
