"""Becomes a program of a stack: `python -m crm.launch <home> <program>`, run by the supervisor.

Secrets come from files of mode 600 and so show neither in the supervisor's configuration nor in `ps`.
"""

import json
import os
import pwd
import shlex
import shutil
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from crm.files import write_private
from crm.processes import Process, die_with_parent

_PATIENCE_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class LaunchPlan:
    """How to become one program; the file `home/programs/<program>.json`."""

    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    environment_file: str | None = None
    # What of that file is not for this program.
    withheld: list[str] = field(default_factory=list)
    user: str | None = None
    stop_signal: int = signal.SIGTERM
    # A port of loopback that must answer first: RabbitMQ would start a port mapper of its own if ours were late.
    after_port: int | None = None
    # A folder that the program finds empty at every start.
    scratch: str | None = None

    def write(self, home: Path, program: str) -> None:
        write_private(plan_path(home, program), json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, home: Path, program: str) -> "LaunchPlan":
        return cls(**json.loads(plan_path(home, program).read_text()))

    def full_environment(self, home: Path) -> dict[str, str]:
        read = read_environment(home / self.environment_file) if self.environment_file else {}
        return self.environment | {name: value for name, value in read.items() if name not in self.withheld}


def plan_path(home: Path, program: str) -> Path:
    return home / "programs" / f"{program}.json"


def pid_path(home: Path, program: str) -> Path:
    return home / "run" / f"{program}.pid"


def write_environment(path: Path, values: dict[str, str]) -> None:
    """Write `values` as NAME=value lines that a shell can read too."""
    write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))


def read_environment(path: Path) -> dict[str, str]:
    pairs = (shlex.split(line)[0].partition("=") for line in path.read_text().splitlines() if line)
    return {name: value for name, _, value in pairs}


def main(arguments: list[str]) -> None:
    home, program = Path(arguments[0]), arguments[1]
    plan = LaunchPlan.read(home, program)
    environment = plan.full_environment(home)
    process = Process.of(os.getpid())
    if process is not None:
        # The pid stays the same through exec.
        process.write(pid_path(home, program))
    if plan.scratch is not None:
        shutil.rmtree(plan.scratch, ignore_errors=True)
        Path(plan.scratch).mkdir(mode=0o700, parents=True)
    if plan.after_port is not None:
        _wait_for(plan.after_port)
    if plan.user is not None:
        account = pwd.getpwnam(plan.user)
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    # Without its supervisor nobody would restart this program or stop it.
    die_with_parent(signal.Signals(plan.stop_signal))
    os.chdir("/")
    os.execve(plan.command[0], plan.command, environment)  # noqa: S606  # No shell is wanted.


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"port {port} did not answer within {_PATIENCE_SECONDS:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:])
