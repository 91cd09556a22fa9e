"""Processes that outlive the command that started them: known by pid and start time, so no reused pid is ever hit."""

import contextlib
import ctypes
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.02
_libc = ctypes.CDLL(None, use_errno=True)


def start_time(pid: int) -> int | None:
    """Clock ticks after boot at which `pid` started; None when it is gone or only waits to be reaped."""
    try:
        # The name in parentheses may itself hold spaces and parentheses: fields count from the last one.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # A process whose first thread has ended looks like a zombie while its other threads still hold their ports.
        lone = sum(1 for _ in Path(f"/proc/{pid}/task").iterdir()) <= 1
    except (FileNotFoundError, ProcessLookupError):
        return None
    state, started = fields[0], fields[19]
    return None if state in "ZX" and lone else int(started)


@dataclass(frozen=True)
class Process:
    """One process of this machine, told apart from a later one with the same pid."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> "Process | None":
        started = start_time(pid)
        return None if started is None else cls(pid, started)

    @classmethod
    def read(cls, path: Path) -> "Process | None":
        """The process that `path` remembers, if it still runs."""
        try:
            pid, started = (int(part) for part in path.read_text().split())
        except (OSError, ValueError):
            return None
        process = cls(pid, started)
        return process if process.alive() else None

    def write(self, path: Path) -> None:
        path.write_text(f"{self.pid} {self.started}\n")

    def alive(self) -> bool:
        return start_time(self.pid) == self.started

    def age(self) -> float:
        """Seconds since the process started."""
        uptime = float(Path("/proc/uptime").read_text().split()[0])
        return max(0.0, uptime - self.started / os.sysconf("SC_CLK_TCK"))

    def send(self, number: signal.Signals) -> None:
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def gone_within(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.alive():
            if time.monotonic() > deadline:
                return False
            _reap(self.pid)
            time.sleep(_POLL_SECONDS)
        _reap(self.pid)
        return True

    def stop(self, number: signal.Signals = signal.SIGTERM, *, patience: float = 20.0) -> bool:
        """Ask with `number`, insist with SIGKILL after `patience` seconds; return whether asking was enough."""
        self.send(number)
        if self.gone_within(patience):
            return True
        self.send(signal.SIGKILL)
        self.gone_within(5.0)
        return False


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def die_with_parent(number: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send `number` to this process when its parent dies (prctl(2)); survives exec, not setuid."""
    _libc.prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
