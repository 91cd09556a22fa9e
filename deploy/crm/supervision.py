"""supervisor: its configuration, and a client that speaks XML-RPC over its Unix socket."""

import contextlib
import functools
import http.client
import os
import shlex
import socket
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, cast

from crm.errors import OperatorError
from crm.processes import Process, die_with_parent
from crm.programs import SYSTEM_PATH

_PATIENCE_SECONDS = 10.0
_POLL_SECONDS = 0.02
_NOT_RUNNING = 70  # supervisor.xmlrpc.Faults
_ALREADY_STARTED = 60
_BAD_NAME = 10
# Puts a program of this name in the place of the one that runs, by calling the function at its own time.
Roll = Callable[[str, Callable[[], None]], None]


@dataclass(frozen=True)
class Supervised:
    """A program as supervisor sees it. A new `fingerprint` restarts it at the next `apply`."""

    name: str
    fingerprint: str
    priority: int
    stop_signal: str = "TERM"
    stop_seconds: int = 20
    as_group: bool = False


@dataclass(frozen=True)
class ProgramStatus:
    """What supervisor says of a program: `state` is RUNNING, STARTING, BACKOFF, STOPPED, STOPPING, EXITED or FATAL."""

    name: str
    state: str
    pid: int
    since: int
    reason: str


class Supervisor:
    """The supervisord of one home. `attached` ties its life, and so every program's, to this process."""

    def __init__(self, home: Path, run: Path, *, attached: bool = False) -> None:
        self._home = home
        self._socket = run / "supervisor.sock"
        self._pid_file = run / "supervisord.pid"
        self._configuration = home / "supervisord.conf"
        self._log = home / "logs" / "supervisord.log"
        self._attached = attached

    def running(self) -> bool:
        try:
            return bool(self._call("getState")["statecode"] == 1)
        except OSError:
            return False

    def process(self) -> Process | None:
        try:
            return Process.of(int(self._pid_file.read_text()))
        except (OSError, ValueError):
            return None

    def apply(self, programs: Sequence[Supervised], roll: Roll | None = None) -> None:
        """Make supervisord know exactly `programs`: start it if need be, stop what is gone or has changed.

        `roll` is called with the name of each that has changed and with what replaces it, which stops it. Without it
        they stop at the same time, but for those that others need, which stop after these.
        """
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(self._render(programs))
        if not self.running():
            self._start()
            return
        added, changed, removed = self._call("reloadConfig")[0]
        if roll is None:
            self._stop_together(programs, changed)
        for name in removed:
            self._remove(name)
        for name in added:
            self._call("addProcessGroup", name)
        for name in changed:
            replace = functools.partial(self._replace, name)
            if roll is None:
                replace()
            else:
                roll(name, replace)

    def _stop_together(self, programs: Sequence[Supervised], names: Collection[str]) -> None:
        """Have programs end. Each takes as long as its last requests do, and one after the other as long as all do."""
        priority = attrgetter("priority")
        stopping = sorted((program for program in programs if program.name in names), key=priority, reverse=True)
        for _, equals in groupby(stopping, key=priority):
            group = [program.name for program in equals]
            for name in group:
                self.stop(name, wait=False)
            # supervisord kills who does not end in time.
            while any(status.pid for name, status in self.statuses().items() if name in group):
                time.sleep(_POLL_SECONDS)

    def _remove(self, name: str) -> None:
        self._call("stopProcessGroup", name)
        self._call("removeProcessGroup", name)

    def _replace(self, name: str) -> None:
        self._remove(name)
        self._call("addProcessGroup", name)

    def start(self, name: str) -> None:
        """Start without waiting; nothing happens where the program runs already."""
        try:
            self._call("startProcess", name, False)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != _ALREADY_STARTED:
                raise OperatorError(f"{name} cannot be started: {fault.faultString}") from None

    def stop(self, name: str, *, wait: bool = True) -> None:
        try:
            self._call("stopProcess", name, wait)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode not in (_NOT_RUNNING, _BAD_NAME):
                raise OperatorError(f"{name} cannot be stopped: {fault.faultString}") from None

    def signal(self, name: str, signal_name: str) -> None:
        self._call("signalProcess", name, signal_name)

    def statuses(self) -> dict[str, ProgramStatus]:
        if not self.running():
            return {}
        return {
            row["name"]: ProgramStatus(row["name"], row["statename"], row["pid"], row["start"], row["spawnerr"])
            for row in self._call("getAllProcessInfo")
        }

    def shutdown(self) -> None:
        process = self.process()
        if self.running():
            self._call("shutdown")
        if process is not None and not process.gone_within(60):
            process.stop(patience=5)

    def _start(self) -> None:
        command = [sys.executable, "-I", "-m", "supervisor.supervisord", "-c", str(self._configuration)]
        environment = {"PATH": SYSTEM_PATH, "HOME": str(self._home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
        with (self._home / "logs" / "supervisord.out").open("wb") as output:
            child = subprocess.Popen(
                [*command, "--nodaemon"] if self._attached else command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent if self._attached else None,  # noqa: PLW1509  # One thread runs at a start.
            )
            if self._attached:
                # Nobody waits on this object: the stack is stopped through the socket.
                child.returncode = 0
            else:
                child.wait(_PATIENCE_SECONDS)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self.running():
            if time.monotonic() > deadline:
                reason = (self._home / "logs" / "supervisord.out").read_text().strip()
                raise OperatorError(f"supervisord does not answer. {reason}")
            time.sleep(_POLL_SECONDS)

    def _render(self, programs: Iterable[Supervised]) -> str:
        sections: list[dict[str, object]] = [
            {
                "[supervisord]": None,
                "logfile": self._log,
                "logfile_maxbytes": "5MB",
                "logfile_backups": 2,
                "pidfile": self._pid_file,
                "directory": "/",
                "umask": "077",
                "minfds": 1024,
                "silent": "true",
                **({"user": "root"} if os.geteuid() == 0 else {}),
            },
            {"[unix_http_server]": None, "file": self._socket, "chmod": "0700"},
            {
                "[rpcinterface:supervisor]": None,
                "supervisor.rpcinterface_factory": "crm.gathering:make_rpcinterface",
            },
        ]
        for program in programs:
            command = [sys.executable, "-I", "-m", "crm.launch", str(self._home), program.name]
            sections.append(
                {
                    f"[program:{program.name}]": None,
                    "command": shlex.join(command),
                    "environment": f'CRM_FINGERPRINT="{program.fingerprint}"',
                    "priority": program.priority,
                    "autostart": "false",
                    "autorestart": "true",
                    "startsecs": 1,
                    "startretries": 30,
                    "stopsignal": program.stop_signal,
                    "stopwaitsecs": program.stop_seconds,
                    "stopasgroup": "true" if program.as_group else "false",
                    "killasgroup": "true",
                    "redirect_stderr": "true",
                    "stdout_logfile": self._home / "logs" / f"{program.name}.log",
                    "stdout_logfile_maxbytes": "10MB",
                    "stdout_logfile_backups": 3,
                }
            )
        lines = []
        for section in sections:
            for name, value in section.items():
                lines.append(name if value is None else f"{name} = {str(value).replace('%', '%%')}")
            lines.append("")
        return "\n".join(lines)

    def _call(self, method: str, *arguments: Any) -> Any:
        proxy = xmlrpc.client.ServerProxy("http://supervisor", transport=_UnixTransport(self._socket))
        with contextlib.closing(cast("Any", proxy)("transport")):
            return getattr(proxy.supervisor, method)(*arguments)


class _UnixTransport(xmlrpc.client.Transport):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        connection = _UnixConnection(str(host), self._path)
        self._connection = host, connection
        return connection


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, host: str, path: Path) -> None:
        super().__init__(host)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(str(self._path))
