"""A whole system under one folder: PostgreSQL, RabbitMQ, the services and the gateway, supervised."""

import contextlib
import functools
import hashlib
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from crm import places, plan, settings_file
from crm.archiving import archived, begin
from crm.broker_rights import users
from crm.credentials import Credentials
from crm.environment import database_url, owner_environment, servers, service_environment
from crm.errors import NotReadyError, OperatorError
from crm.gateway import Gateway
from crm.launch import pid_path, write_environment
from crm.memory import proportional_sets
from crm.ports import LOOPBACK
from crm.preparation import Preparation, Rotation, SigningKey
from crm.processes import Process
from crm.readiness import check_endpoint
from crm.servers import Postgres, RabbitMQ
from crm.servers.rabbitmq import ADMIN, BrokerPorts
from crm.settings import KINDS, SERVICES, WEB, StackSettings
from crm.state import State, exclusive
from crm.supervision import ProgramStatus, Roll, Supervisor
from crm.watch import Check, ProgramRow, Watch

Report = Callable[[str, str, float], None]


def _silent(label: str, detail: str, seconds: float) -> None:
    """Report nothing."""


class Stack:
    """One stack under `home`. `attached` ends every process with this one, for stacks that belong to a test."""

    def __init__(self, home: Path, settings: StackSettings | None = None, *, attached: bool = False) -> None:
        self.home = home.absolute()
        self.settings = settings or StackSettings()
        self._make_folders()
        self.credentials = Credentials(self.home)
        self.state = State(self.home)
        self._run = places.socket_folder(self.home)
        self.supervisor = Supervisor(self.home, self._run, attached=attached)
        self._watch = Watch(self.supervisor, self.home / "logs")
        self.gateway = Gateway(
            self.home,
            self._run,
            settings=self.settings,
            credentials=self.credentials,
            state=self.state,
            supervisor=self.supervisor,
        )

    # Addresses

    @property
    def gateway_url(self) -> str:
        return self.gateway.url

    @property
    def gateway_metrics_url(self) -> str:
        return self.gateway.metrics_url

    def web_urls(self, service: str) -> list[str]:
        """The base URL of each web process of `service`, past the gateway."""
        return plan.web_urls(service, self.settings, self.state)

    def metrics_urls(self, service: str, kind: str) -> list[str]:
        programs = self._processes(service, kind)
        return [f"http://{LOOPBACK}:{self.state.port(program.metrics_port_name)}/metrics" for program in programs]

    def database_url(self, service: str, role: str = "app") -> str:
        """URL of `service`'s database as `owner`, `app`, `relay`, audit's `ingest`, or as the `superuser`."""
        if role == "superuser":
            return self.postgres.url(service)
        return database_url(self.credentials, servers(self.state), service, role)

    def broker_url(self, user: str = ADMIN) -> str:
        """AMQP URL as the administrator, or as a service's user (`crm_customers`)."""
        return self.rabbitmq.url(user)

    def environment(self, service: str) -> dict[str, str]:
        """What the processes of `service` are told, for a test or a benchmark that runs one by itself."""
        return service_environment(service, self.settings, self.credentials, self.state)

    # Servers

    @property
    def postgres(self) -> Postgres:
        return Postgres(
            self.home,
            port=self.state.port("postgres"),
            password=self.credentials.password("postgres_superuser"),
            durable=self.settings.durable,
            archived=archived(self.credentials, self.settings.archive),
        )

    @property
    def rabbitmq(self) -> RabbitMQ:
        ports = BrokerPorts(
            amqp=self.state.port("rabbitmq"),
            distribution=self.state.port("rabbitmq-distribution"),
            epmd=self.state.port("epmd"),
            metrics=self.state.port("rabbitmq-metrics") if self.settings.broker_metrics else None,
        )
        return RabbitMQ(self.home, ports=ports, users=users(self.credentials))

    # The life of a stack

    def up(self, report: Report = _silent) -> None:
        """Start what does not run, prepare what is not prepared, and return when everything answers; safe to repeat."""
        with exclusive(self.home):
            settings_file.keep(self.home, self.settings)
            if not self.supervisor.running():
                self._clear_the_field()
            self.gateway.take_port()
            plan.settle_counts(self.settings, self.state)
            self._start_servers(report)
            self._start_services(report, self.prepare(report))

    def down(self) -> None:
        """Stop every process and keep the data."""
        with exclusive(self.home):
            self._stop()

    def destroy(self) -> None:
        """End every process and delete everything, here and under /var/tmp."""
        with exclusive(self.home):
            # What is deleted need not be brought in order first.
            if self.supervisor.running():
                self._kill()
            self._stop()
        places.remove(self.home)

    def scale(self, service: str, kind: str, count: int) -> None:
        """Run `count` processes of a kind of `service`, and have the gateway send requests to just these."""
        if service not in SERVICES or kind not in KINDS:
            known = ", ".join(f"{name}, {name}-worker" for name in SERVICES)
            raise OperatorError(f"there is no {service}-{kind}; known are: {known}")
        if count < (1 if kind == WEB else 0):
            raise OperatorError("a service needs at least one web process (and no fewer than no workers)")
        with exclusive(self.home):
            if not self.supervisor.running():
                raise OperatorError("the stack is not running; start it with: make up")
            kept = [program.name for program in plan.service_programs(self.settings, self.state)]
            self.state.set_count(f"{service}-{kind}", count)
            fewer = len(kept) > len(list(plan.service_programs(self.settings, self.state)))
            keys = self.preparation.public_keys()
            if fewer and kind == WEB:
                self.gateway.reload(keys)
                # Requests that the old gateway process still carries come home before their server goes.
                time.sleep(1.0)
            self._start_servers(_silent)
            self._start_services(_silent, keys)

    def signing_keys(self) -> list[SigningKey]:
        """Every signing key there ever was, the oldest first."""
        return self.preparation.list_keys()

    def rotate_keys(self, *, compromised: bool = False) -> Rotation:
        """Let the next key sign and make a new one; no token is refused that was good.

        Where the key that signs is `compromised`, its tokens are worthless at once, and whoever has one refreshes.
        """
        with exclusive(self.home):
            if not self.gateway.running():
                raise OperatorError("the stack is not running; start it with: make up")
            # The gateway has to know the key that will sign before anybody signs with it, and learns of the one that
            # comes after while there is time.
            self.gateway.reload(self.preparation.public_keys())
            rotation = self.preparation.rotate_keys(force=compromised)
            if compromised:
                self.preparation.revoke_key(rotation.retired)
            self.gateway.reload(self.preparation.public_keys())
            if compromised:
                self.forget_keys()
            return rotation

    def resync(self, service: str, *, remove: bool = False) -> None:
        """Have `service` rebuild what it keeps of others' records, and `remove` what their owners do not know."""
        self.preparation.resync(service, remove=remove)

    # Programs

    def statuses(self) -> dict[str, ProgramStatus]:
        return self.supervisor.statuses()

    def pid(self, program: str) -> int:
        status = self.statuses().get(program)
        if status is None or not status.pid:
            raise OperatorError(f"{program} is not running")
        return status.pid

    def stop_program(self, program: str) -> None:
        self.supervisor.stop(program)

    def start_program(self, program: str, *, wait: bool = True) -> None:
        self.supervisor.start(program)
        if wait:
            self._watch.until_ready(program, self.checks()[program])

    def kill_program(self, program: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal past the supervisor, which starts the program again when it dies; return the pid."""
        pid = self.pid(program)
        process = Process.of(pid)
        if process is not None:
            process.send(number)
        return pid

    def wait_ready(self, timeout: float = 120.0) -> None:
        """Wait until every program answers; raise OperatorError with the first that does not."""
        for name, check in self.checks().items():
            self._watch.until_ready(name, check, timeout)

    def log_path(self, program: str) -> Path:
        return self._watch.log_path(program)

    def programs(self) -> list[ProgramRow]:
        """One row per program, in the order of their start."""
        statuses = self.statuses()
        memory = proportional_sets([status.pid for status in statuses.values() if status.pid])
        rows = []
        for name, check in self.checks().items():
            status = statuses.get(name)
            if status is None or status.state not in ("RUNNING", "STARTING"):  # Of its first second it says STARTING.
                rows.append(ProgramRow(name, status.state if status else "STOPPED", 0, 0.0, 0, "not running"))
                continue
            try:
                check()
                reason = ""
            except NotReadyError as error:
                reason = str(error)
            process = Process.of(status.pid)
            age, size = process.age() if process else 0.0, memory.get(status.pid, 0)
            rows.append(ProgramRow(name, status.state, status.pid, age, size, reason))
        return rows

    def checks(self) -> Mapping[str, Check]:
        """A function for every program that raises NotReadyError."""
        checks: dict[str, Check] = {
            server.name: server.check for server in plan.servers_of(self.postgres, self.rabbitmq)
        }
        for program in plan.service_programs(self.settings, self.state):
            if program.kind == WEB:
                url = f"http://{LOOPBACK}:{self.state.port(program.name)}/readyz"
            else:
                url = f"http://{LOOPBACK}:{self.state.port(program.metrics_port_name)}/readyz"
            checks[program.name] = _endpoint(url)
        return checks | {name: _endpoint(url) for name, url in self.gateway.checks().items()}

    # How it is done

    def _make_folders(self) -> None:
        # Others may pass through the home, so that PostgreSQL's user reaches its folder, and may read nothing in it.
        self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.home.chmod(0o711)
        for name in ("env", "logs", "programs", "gateway"):
            (self.home / name).mkdir(mode=0o700, exist_ok=True)

    def _processes(self, service: str, kind: str) -> list[plan.ServiceProgram]:
        programs = plan.service_programs(self.settings, self.state)
        return [program for program in programs if (program.service, program.kind) == (service, kind)]

    def _clear_the_field(self) -> None:
        """After a supervisor that died: end what it left behind, and leave ports that others have taken since."""
        self._end_leftovers()
        self.state.drop_busy_ports(keep=("gateway",))

    def _digest(self, service: str) -> str:
        return plan.source_digest(service) if self.settings.follow_edits else ""

    def _start_servers(self, report: Report) -> None:
        began = time.monotonic()
        postgres, rabbitmq = self.postgres, self.rabbitmq
        if not (self.home / "postgres").exists() or not rabbitmq.folder.exists():
            self.state.set_prepared("")
        rabbitmq.prepare()  # Also of one that runs: it is started anew where its files have changed.
        status = self.statuses().get(postgres.name)
        postgres.make_folder()
        if postgres.archive is not None:
            postgres.archive.prepare()  # Before one that runs is started anew for it.
        self.apply()
        # The broker takes longest: everything else happens while it boots.
        for name in ("epmd", "rabbitmq"):
            self.supervisor.start(name)
        if status is None or status.state != "RUNNING":
            postgres.prepare()
        self.supervisor.start("postgres")
        self._watch.until_ready("postgres", postgres.check)
        report("postgres", f"port {postgres.port}", time.monotonic() - began)
        begin(postgres.archive, report)

    def prepare(self, report: Report) -> Mapping[str, str]:
        """Make what databases, migrations, keys and queues are not there yet; answer the public keys."""
        began = time.monotonic()
        preparation = self.preparation
        preparation.databases(self.postgres)
        there = servers(self.state)
        secrets = "".join(str(owner_environment(service, self.credentials, there)) for service in SERVICES)
        wanted = hashlib.sha256((secrets + "".join(map(self._digest, SERVICES))).encode()).hexdigest()
        fresh = wanted != self.state.prepared
        revisions = preparation.migrate() if fresh else {}
        keys = preparation.signing_keys() if fresh else preparation.public_keys()
        detail = " · ".join(f"{service} {revision}" for service, revision in revisions.items()) or "unchanged"
        report("databases", detail, time.monotonic() - began)
        began = time.monotonic()
        self._watch.until_ready("rabbitmq", self.rabbitmq.check)
        if fresh:
            preparation.topology()
            self.state.set_prepared(wanted)
        report("rabbitmq", f"port {self.rabbitmq.ports.amqp}", time.monotonic() - began)
        return keys

    def _start_services(self, report: Report, keys: Mapping[str, str]) -> None:
        began = time.monotonic()
        programs = plan.service_programs(self.settings, self.state)
        for name in (*(program.name for program in programs), plan.PAGES, plan.GATEWAY_AGENT):
            self.supervisor.start(name)
        self.gateway.reload(keys)
        self.supervisor.start(plan.GATEWAY)
        self.wait_ready()
        count = len(self.checks())
        report("services", f"{count}/{count} programs ready", time.monotonic() - began)

    def apply(self, roll: Roll | None = None) -> None:
        """Write what every program is started from, and have supervisor restart those for which it has changed."""
        supervised = []
        for service in SERVICES:
            write_environment(self.home / plan.environment_file(service), self.environment(service))
        for server in plan.servers_of(self.postgres, self.rabbitmq):
            plan.server_launch(server).write(self.home, server.name)
            supervised.append(plan.supervise_server(self.home, server))
        for program in plan.service_programs(self.settings, self.state):
            plan.service_launch(self.home, program, self.state).write(self.home, program.name)
            supervised.append(plan.supervise_service(self.home, program, self.state, self._digest(program.service)))
        self.supervisor.apply([*supervised, *self.gateway.apply()], roll)

    @property
    def preparation(self) -> Preparation:
        return Preparation(self.settings, self.credentials, self.state)

    def forget_keys(self) -> None:
        """Have every web process start anew after its requests: they remember keys, and tokens that were good."""
        for service in SERVICES:
            for program in self._processes(service, WEB):
                self.supervisor.signal(program.name, "HUP")
        self.wait_ready()

    def _kill(self) -> None:
        running = {name: status.pid for name, status in self.supervisor.statuses().items() if status.pid}
        for name in running:
            self.supervisor.stop(name, wait=False)
        for name, pid in running.items():
            with contextlib.suppress(ProcessLookupError):
                if name == self.postgres.name:
                    # It gives back its shared memory itself, and ends as quickly.
                    os.kill(pid, signal.SIGQUIT)
                else:
                    # A program is the leader of its group, which its workers are in.
                    os.killpg(pid, signal.SIGKILL)
        self._watch.until_stopped(running)

    def _stop(self) -> None:
        if self.supervisor.running():
            servers = {server.name for server in plan.servers_of(self.postgres, self.rabbitmq)}
            # The services let go of their connections before the servers are asked to stop; epmd goes with supervisord.
            for group in (set(self.statuses()) - servers, servers - {"epmd"}):
                for name in group:
                    self.supervisor.stop(name, wait=False)
                self._watch.until_stopped(group)
        self.supervisor.shutdown()
        self._end_leftovers()

    def _end_leftovers(self) -> None:
        supervisord = self.supervisor.process()
        if supervisord is not None:
            supervisord.stop(patience=10)
        for path in sorted((self.home / "run").glob("*.pid")):
            process = Process.read(path)
            if process is not None:
                number = signal.SIGINT if path == pid_path(self.home, "postgres") else signal.SIGTERM
                process.stop(number, patience=15)
            path.unlink(missing_ok=True)


def existing(home: Path) -> Stack:
    """The stack that is there, as large and as limited as it was started. Raises OperatorError where none is."""
    if not (home / "state.json").exists():
        raise OperatorError(f"there is no stack in {home}; make one with: make up")
    return Stack(home, settings_file.kept(home))


def _endpoint(url: str) -> Check:
    return functools.partial(check_endpoint, url)
