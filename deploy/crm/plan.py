"""The programs of a stack: what each of them runs, where it listens, and in which order they come and go."""

import hashlib
import importlib.util
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm.environment import BASE, withheld
from crm.launch import LaunchPlan
from crm.ports import LOOPBACK
from crm.servers import Postgres, RabbitMQ, Server
from crm.settings import KINDS, SERVICES, WEB, WORKER, StackSettings
from crm.state import State
from crm.supervision import Supervised

GATEWAY = "gateway"
GATEWAY_AGENT = "gateway-agent"
PAGES = "web"  # One program for the whole stack; not to be taken for the kind of a service's processes.
_PRIORITY = {"postgres": 10, "epmd": 10, "rabbitmq": 20, WEB: 30, "worker": 40, GATEWAY_AGENT: 45, GATEWAY: 50}


@dataclass(frozen=True)
class ServiceProgram:
    """One web or worker process of a service."""

    service: str
    kind: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.service}-{self.kind}-{self.number}"

    @property
    def metrics_port_name(self) -> str:
        return f"{self.name}-metrics"


def service_programs(settings: StackSettings, state: State) -> Iterator[ServiceProgram]:
    """Every process of every service, as many as the home remembers."""
    for (service, kind), count in _counts(settings, state).items():
        for number in range(1, count + 1):
            yield ServiceProgram(service, kind, number)


def settle_counts(settings: StackSettings, state: State) -> None:
    """Have the home remember its numbers, whatever the next command's settings are."""
    for (service, kind), count in _counts(settings, state).items():
        if f"{service}-{kind}" not in state.counts:
            state.set_count(f"{service}-{kind}", count)


def _counts(settings: StackSettings, state: State) -> dict[tuple[str, str], int]:
    defaults = {WEB: settings.web_processes, WORKER: settings.worker_processes}
    return {(service, kind): state.count(f"{service}-{kind}", defaults[kind]) for service in SERVICES for kind in KINDS}


def web_urls(service: str, settings: StackSettings, state: State) -> list[str]:
    """The base URL of each web process of `service`, past the gateway."""
    names = [one.name for one in service_programs(settings, state) if (one.service, one.kind) == (service, WEB)]
    return [f"http://{LOOPBACK}:{state.port(name)}" for name in names]


def environment_file(service: str) -> str:
    return f"env/{service}.env"


def service_launch(home: Path, program: ServiceProgram, state: State) -> LaunchPlan:
    environment = dict(BASE) | {"METRICS_BIND": f"{LOOPBACK}:{state.port(program.metrics_port_name)}"}
    scratch = None
    if program.kind == WEB:
        environment["WEB_BIND"] = f"{LOOPBACK}:{state.port(program.name)}"
        # The counters of its gunicorn workers; what a killed process left there would be counted for ever.
        scratch = str(home / "metrics" / program.name)
        environment["PROMETHEUS_MULTIPROC_DIR"] = scratch
    return LaunchPlan(
        command=[sys.executable, "-m", "chassis", program.kind, program.service],
        environment=environment,
        environment_file=environment_file(program.service),
        withheld=list(withheld(program.service, program.kind)),
        scratch=scratch,
    )


def server_launch(server: Server) -> LaunchPlan:
    account = server.account
    return LaunchPlan(
        command=server.command,
        environment=server.environment,
        user=account.pw_name if account else None,
        stop_signal=server.stop_signal,
        after_port=server.ports.epmd if isinstance(server, RabbitMQ) else None,
    )


def supervise_server(home: Path, server: Server) -> Supervised:
    extra = "".join(server.configuration().values()) if isinstance(server, RabbitMQ) else ""
    return Supervised(
        server.name,
        fingerprint(home, server_launch(server), extra),
        _PRIORITY[server.name],
        stop_signal={signal.SIGINT: "INT"}.get(server.stop_signal, "TERM"),
        stop_seconds=60 if isinstance(server, Postgres | RabbitMQ) else 5,
    )


def supervise_service(home: Path, program: ServiceProgram, state: State, digest: str) -> Supervised:
    return Supervised(
        program.name,
        fingerprint(home, service_launch(home, program, state), digest),
        _PRIORITY[program.kind],
        # Longer than gunicorn gives its requests to end.
        stop_seconds=30,
        as_group=True,
    )


def supervise_gateway(home: Path, name: str, launch: LaunchPlan, digest: str = "") -> Supervised:
    return Supervised(name, fingerprint(home, launch, digest), _PRIORITY[name], stop_seconds=10)


def fingerprint(home: Path, plan: LaunchPlan, extra: str = "") -> str:
    """Changes with anything that a restart would pick up: command, environment with its secrets, configuration."""
    text = f"{plan.command}{sorted(plan.full_environment(home).items())}{plan.user}{extra}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def source_digest(name: str) -> str:
    """Changes when a source file of package `name` or of a library does: `up` puts edited code into service."""
    digest = hashlib.sha256()
    for package in (name, "chassis", "people"):
        spec = importlib.util.find_spec(package)
        for place in spec.submodule_search_locations or () if spec else ():
            folder = Path(place)
            for folder_of_files in (folder, folder.parent / "migrations"):
                for path in sorted(path for path in folder_of_files.rglob("*") if path.suffix in (".py", ".toml")):
                    status = path.stat()
                    digest.update(f"{path}{status.st_mtime_ns}{status.st_size}".encode())
    return digest.hexdigest()


def servers_of(*servers: Server) -> list[Server]:
    """In the order of their start; a RabbitMQ brings its Epmd."""
    ordered: list[Server] = []
    for server in servers:
        ordered += [server.epmd, server] if isinstance(server, RabbitMQ) else [server]
    return ordered
