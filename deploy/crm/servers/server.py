"""What all private servers have in common: a folder, a command, a ready check and a pid that is remembered."""

import os
import pwd
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from crm.errors import NotReadyError, OperatorError
from crm.processes import Process, die_with_parent
from crm.programs import SYSTEM_PATH

_POLL_SECONDS = 0.05


class Server(ABC):
    """One private server under a stack's home; run by the supervisor through `command`, or directly through `start`."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, home: Path) -> None:
        self.home = home
        self.pid_file = home / f"{self.name}.pid"
        self.log_file = home / f"{self.name}.log"

    @property
    @abstractmethod
    def command(self) -> list[str]:
        """Program and arguments, without any secret."""

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of the process: nothing of the caller's shell reaches a server."""
        return {"PATH": SYSTEM_PATH, "HOME": str(self.home), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC"}

    @property
    def account(self) -> pwd.struct_passwd | None:
        """The user to become before the start, or None to stay who we are."""
        return None

    @abstractmethod
    def prepare(self) -> None:
        """Make the data folder if there is none and write the configuration; harmless when repeated."""

    @abstractmethod
    def check(self) -> None:
        """Raise NotReadyError with the reason unless the server answers a real client."""

    def process(self) -> Process | None:
        return Process.read(self.pid_file)

    def start(self, *, die_with_runner: bool = True) -> None:
        """Start as a child of this process without waiting; `die_with_runner` ties its life to the calling thread."""
        if self.process() is not None:
            return
        account = self.account

        def before_exec() -> None:
            if die_with_runner:
                die_with_parent(self.stop_signal)

        with self.log_file.open("ab") as log:
            child = subprocess.Popen(
                self.command,
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                preexec_fn=before_exec,  # noqa: PLW1509  # prctl must run after setuid; no other thread runs at a start.
            )
        # The pid file is the only handle from here on; nobody waits on the Popen object.
        child.returncode = 0
        process = Process.of(child.pid)
        if process is not None:
            process.write(self.pid_file)

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until `check` passes; raise OperatorError with the reason and the end of the log when it does not."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                self.check()
            except NotReadyError as error:
                reason = str(error)
            else:
                return
            if self.process() is None:
                raise OperatorError(f"{self.name} stopped while starting.\n{self.last_lines()}")
            if time.monotonic() > deadline:
                raise OperatorError(f"{self.name} is not ready after {timeout:.0f} s: {reason}\n{self.last_lines()}")
            time.sleep(_POLL_SECONDS)

    def stop(self, *, patience: float = 30.0) -> None:
        process = self.process()
        if process is not None:
            process.stop(self.stop_signal, patience=patience)
        self.pid_file.unlink(missing_ok=True)

    def kill(self) -> None:
        """End the server as a power cut would."""
        process = self.process()
        if process is not None:
            process.send(signal.SIGKILL)
            process.gone_within(5.0)

    def last_lines(self, count: int = 15) -> str:
        try:
            lines = self.log_file.read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(f"    {line}" for line in lines[-count:])


def running_as_root() -> bool:
    return os.geteuid() == 0
