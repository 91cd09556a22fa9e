"""A private PostgreSQL: TCP on loopback only, scram passwords, data folder where its user can reach it."""

import hashlib
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import psycopg

from crm import places, programs
from crm.errors import NotReadyError, OperatorError
from crm.ports import LOOPBACK
from crm.servers.archive import Archive, Cluster
from crm.servers.server import Server, running_as_root

SUPERUSER = "postgres"
MAX_CONNECTIONS = 400
SETTINGS: Mapping[str, str] = {
    "shared_buffers": "128MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Compiling a query costs more than running it in a workload of short transactions.
    "jit": "off",
    # Of a table that it knows nothing about, PostgreSQL takes any index that begins with the tenant, and reads all that
    # the tenant has for each record, until the table is analysed. By itself it looks at a database every minute.
    "autovacuum_naptime": "15s",
}
# What the answer of a list needs is asked of the kernel once. glibc would give it back after each query, and map 28
# pages anew for the next. A backend keeps no more than these two megabytes that it does not need.
BACKEND_ALLOCATOR = {"MALLOC_MMAP_THRESHOLD_": "1048576", "MALLOC_TRIM_THRESHOLD_": "2097152"}


class Postgres(Server):
    """PostgreSQL under `home/postgres`; as root it runs as the user that the distribution's package made."""

    name: ClassVar[str] = "postgres"
    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT

    def __init__(
        self,
        home: Path,
        *,
        port: int,
        password: str,
        durable: bool = True,
        max_connections: int = MAX_CONNECTIONS,
        archived: Callable[[Cluster], Archive] | None = None,
    ) -> None:
        super().__init__(home)
        self.port = port
        self.password = password
        self.durable = durable
        self.max_connections = max_connections
        self._archived = archived
        self._binaries = programs.require(programs.postgres_folder(), programs.POSTGRES)

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | BACKEND_ALLOCATOR

    @property
    def account(self) -> pwd.struct_passwd | None:
        return places.account(SUPERUSER) if running_as_root() else None

    @property
    def data(self) -> Path:
        return (self.home / "postgres").resolve() / "data"

    def url(self, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        return f"postgresql://{user}:{password or self.password}@{LOOPBACK}:{self.port}/{database}"

    @property
    def archive(self) -> Archive | None:
        """Where every change goes besides, if it does."""
        if self._archived is None:
            return None
        return self._archived(
            Cluster(data=self.data, host=LOOPBACK, port=self.port, password=self.password, account=self.account)
        )

    @property
    def settings(self) -> Mapping[str, str | int]:
        settings: dict[str, str | int] = {
            "listen_addresses": LOOPBACK,
            "port": self.port,
            # No socket file: its path is limited to 107 bytes, and loopback with a password serves everybody.
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            **SETTINGS,
        }
        if not self.durable:
            settings |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "max_wal_size": "512MB",
                "autovacuum_naptime": "10min",
            }
        return settings if self.archive is None else {**settings, **self.archive.settings}

    @property
    def command(self) -> list[str]:
        options = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._binaries / "postgres"), "-D", str(self.data), *options]

    def make_folder(self) -> Path:
        """Make the folder that the data comes to lie in, and say where it is."""
        return places.folder_for(self.home, "postgres", self.account)

    def prepare(self) -> None:
        folder = self.make_folder()
        if not (self.data / "PG_VERSION").exists():
            self._initialise(folder)
        elif self._stamp.read_text() != self._password_digest():
            # The secrets file is the truth: a password changed there is changed here, without asking for the old one.
            self._run(
                [str(self._binaries / "postgres"), "--single", "-D", str(self.data), "postgres"],
                f"ALTER ROLE {SUPERUSER} PASSWORD '{self.password}'\n",
            )
            self._stamp.write_text(self._password_digest())

    def check(self) -> None:
        try:
            with psycopg.connect(self.url(), connect_timeout=2) as connection:
                connection.execute("select 1")
        except psycopg.OperationalError as error:
            raise NotReadyError(" ".join(str(error).split())) from None

    def check_writable(self) -> None:
        """Raise NotReadyError with the reason until it has recovered, if it does."""
        self.check()
        with psycopg.connect(self.url(), connect_timeout=2) as connection:
            if connection.execute("SELECT pg_is_in_recovery()").fetchone() != (False,):
                raise NotReadyError("it still recovers")

    @property
    def _stamp(self) -> Path:
        return self.data.parent / "superuser.sha256"

    def _password_digest(self) -> str:
        return hashlib.sha256(self.password.encode()).hexdigest()

    def _initialise(self, folder: Path) -> None:
        """Run initdb into a scratch folder and rename it: an interrupted run leaves nothing half-made in place."""
        scratch = folder / "data.new"
        password_file = folder / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if self.account is not None:
            os.chown(password_file, self.account.pw_uid, self.account.pw_gid)
        self._run(["/bin/rm", "-rf", str(scratch)])
        command = [str(self._binaries / "initdb"), "-D", str(scratch), "-U", SUPERUSER, f"--pwfile={password_file}"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]
        self._run(command if self.durable else [*command, "--no-sync"])
        password_file.unlink()
        self._stamp.write_text(self._password_digest())
        scratch.rename(self.data)

    def _run(self, command: list[str], text: str = "") -> None:
        account = self.account
        done = subprocess.run(
            command,
            input=text,
            env=self.environment,
            cwd="/",
            text=True,
            capture_output=True,
            check=False,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise OperatorError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
