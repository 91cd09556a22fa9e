"""A private RabbitMQ and its epmd: every listener on loopback, own node and cookie, users from a definitions file."""

import base64
import hashlib
import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from crm import programs
from crm.errors import NotReadyError, OperatorError
from crm.ports import LOOPBACK, answers
from crm.servers.amqp_probe import sign_in
from crm.servers.server import Server

ADMIN = "crm_admin"
NODE = "crm@localhost"
VHOST = "crm"
LARGEST_MESSAGE = 4 * 1024 * 1024
# Of the log of quorum queues, all that is not handled when a file of it is full is copied into segments, message by
# message. A message spends milliseconds in its queue, so that few are left when a file is large (ADR 0048).
WRITE_AHEAD_LOG = 128 * 1024 * 1024
# The heaps of queues stay in memory that the machine has already (KiB): in RabbitMQ's own half a megabyte none had
# room, and each collection mapped another one.
ERLANG_HEAPS = "+MHlmbcs 5120 +MHsbct 4096"
# Schedulers that spin while idle take a core each, and never to spin doubles the start on a virtual machine: a short
# spin costs nothing measurable when idle. Two schedulers serve this load.
ERLANG_ARGUMENTS = f"+sbwt short +sbwtdcpu short +sbwtdio short +S 2:2 {ERLANG_HEAPS}"


@dataclass(frozen=True)
class BrokerUser:
    """A user with RabbitMQ's three permission patterns in every vhost; without patterns it may do everything there.

    `topics` holds, by the topic exchange, the patterns of routing keys to write with and to bind for reading; an
    exchange that is not in it is held by the other patterns alone.
    """

    name: str
    password: str
    configure: str = ".*"
    write: str = ".*"
    read: str = ".*"
    topics: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    administrator: bool = False
    # "max-connections" and "max-channels"; there is no other limit.
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class BrokerPorts:
    """Every port that the broker and its name server open; without `metrics` there is no Prometheus plugin."""

    amqp: int
    distribution: int
    epmd: int
    metrics: int | None = None


class Epmd(Server):
    """The Erlang port mapper of one broker, in the foreground, so that it is supervised and never outlives it."""

    name: ClassVar[str] = "epmd"

    def __init__(self, home: Path, *, port: int) -> None:
        super().__init__(home)
        self.port = port
        self._binary = programs.require(programs.system_binary("epmd"), programs.RABBITMQ)

    @property
    def command(self) -> list[str]:
        return [str(self._binary), "-port", str(self.port), "-address", LOOPBACK]

    def prepare(self) -> None:
        """Nothing to prepare: epmd keeps its names in memory."""

    def check(self) -> None:
        if not answers(self.port):
            raise NotReadyError(f"port {self.port} does not answer")


class RabbitMQ(Server):
    """RabbitMQ under `home/rabbitmq`; needs its Epmd to be running first."""

    name: ClassVar[str] = "rabbitmq"

    def __init__(
        self, home: Path, *, ports: BrokerPorts, users: Sequence[BrokerUser], vhosts: Sequence[str] = (VHOST,)
    ) -> None:
        super().__init__(home)
        self.ports = ports
        self.users = users
        self.vhosts = vhosts
        self.folder = home / "rabbitmq"
        self.epmd = Epmd(home, port=ports.epmd)
        self._binary = programs.require(programs.rabbitmq_binary(), programs.RABBITMQ)

    def url(self, user: str = ADMIN, vhost: str | None = None, parameters: str = "") -> str:
        password = next(known.password for known in self.users if known.name == user)
        return f"amqp://{user}:{password}@{LOOPBACK}:{self.ports.amqp}/{vhost or self.vhosts[0]}{parameters}"

    @property
    def command(self) -> list[str]:
        return [str(self._binary)]

    @property
    def environment(self) -> dict[str, str]:
        folder = self.folder
        # Debian builds the paths of a system service into its files; each of them has to be named to be replaced.
        return super().environment | {
            "HOME": str(folder),
            "RABBITMQ_NODENAME": NODE,
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_NODE_PORT": str(self.ports.amqp),
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(folder / "feature_flags"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            "RABBITMQ_PID_FILE": str(folder / "node.pid"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_ARGUMENTS,
            "RABBITMQ_LOG": "-color",
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_CRASH_DUMP_SECONDS": "0",
            # With this set the start script execs the Erlang machine instead of staying in front of it as its parent.
            "detached": "1",
        }

    def prepare(self) -> None:
        for folder in (self.folder, self.folder / "data", self.folder / "log", self.folder / "generated"):
            folder.mkdir(mode=0o700, exist_ok=True)
        cookie = self.folder / ".erlang.cookie"
        if not cookie.exists():
            scratch = cookie.with_suffix(".new")
            scratch.write_text(secrets.token_hex(24))
            scratch.chmod(0o400)
            scratch.rename(cookie)
        for name, text in self.configuration().items():
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(text)

    def configuration(self) -> Mapping[str, str]:
        """The files that the broker reads at its start, by name."""
        settings = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.ports.amqp}",
            "distribution.listener.interface": LOOPBACK,
            "distribution.listener.port_range.min": self.ports.distribution,
            "distribution.listener.port_range.max": self.ports.distribution,
            "load_definitions": self.folder / "definitions.json",
            "log.console": "true",
            "log.console.level": "info",
            "log.file": "false",
            # Absolute and counted by the node's own allocators: what other programs take never stops our publishers.
            "vm_memory_calculation_strategy": "allocated",
            "vm_memory_high_watermark.absolute": "1GB",
            "disk_free_limit.absolute": "50MB",
            "raft.wal_max_size_bytes": WRITE_AHEAD_LOG,
            # Twice what the largest record makes, before and after: an import of 200 columns with long names.
            "max_message_size": LARGEST_MESSAGE,
        }
        plugins = []
        if self.ports.metrics is not None:
            # RabbitMQ before 3.13 needs five seconds more to stop with this plugin, so throw-away brokers go without.
            plugins.append("rabbitmq_prometheus")
            settings |= {"prometheus.tcp.ip": LOOPBACK, "prometheus.tcp.port": self.ports.metrics}
        return {
            "rabbitmq.conf": "".join(f"{name} = {value}\n" for name, value in settings.items()),
            "advanced.config": "[].\n",
            "enabled_plugins": f"[{','.join(plugins)}].\n",
            "definitions.json": definitions(self.users, self.vhosts),
        }

    def check(self) -> None:
        admin = next(user for user in self.users if user.administrator)
        sign_in(self.ports.amqp, admin.name, admin.password, self.vhosts[0])

    def start(self, *, die_with_runner: bool = True) -> None:
        self.epmd.start(die_with_runner=die_with_runner)
        self.epmd.wait_ready(10.0)
        super().start(die_with_runner=die_with_runner)

    def stop(self, *, patience: float = 30.0) -> None:
        super().stop(patience=patience)
        self.epmd.stop(patience=5.0)

    def control(self, *arguments: str, given: str | None = None) -> str:
        """Run rabbitmqctl against this node, with `given` to read, and return what it prints.

        Raises OperatorError when it fails.
        """
        # The command line tool is an Erlang node itself, and would listen on every interface while it runs.
        quiet = {"RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"}
        done = subprocess.run(
            [str(self._binary.with_name("rabbitmqctl")), "--quiet", *arguments],
            env=self.environment | quiet,
            cwd="/",
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise OperatorError(f"rabbitmqctl {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


def definitions(users: Sequence[BrokerUser], vhosts: Sequence[str]) -> str:
    """The users with their rights and the virtual hosts, as RabbitMQ reads them at its start."""
    values = {
        "vhosts": [{"name": vhost} for vhost in vhosts],
        "users": [
            {
                "name": user.name,
                "password_hash": password_hash(user.name, user.password),
                "hashing_algorithm": "rabbit_password_hashing_sha256",
                "tags": "administrator" if user.administrator else "",
                "limits": dict(user.limits),
            }
            for user in users
        ],
        "permissions": [
            {
                "user": user.name,
                "vhost": vhost,
                "configure": user.configure,
                "write": user.write,
                "read": user.read,
            }
            for user in users
            for vhost in vhosts
        ],
        "topic_permissions": [
            {"user": user.name, "vhost": vhost, "exchange": exchange, "write": write, "read": read}
            for user in users
            for vhost in vhosts
            for exchange, (write, read) in user.topics.items()
        ],
    }
    return json.dumps(values, indent=1) + "\n"


def password_hash(user: str, password: str) -> str:
    """RabbitMQ's salted SHA-256, with a salt that stays the same, so that unchanged definitions are unchanged bytes."""
    salt = hashlib.sha256(f"{user}:{password}".encode()).digest()[:4]
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()
