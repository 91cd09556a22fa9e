"""Waiting for supervised programs: until they answer, until they are gone, and what to say when they do neither."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from crm.errors import NotReadyError, OperatorError
from crm.supervision import Supervisor

Check = Callable[[], None]
_POLL_SECONDS = 0.05
# A program that falls over again and again for this long will not come up by itself.
_FALLING_SECONDS = 4.0


@dataclass(frozen=True)
class ProgramRow:
    """A line of `status`: what supervisor and the program itself say; `reason` is empty when it is ready.

    `memory` is in bytes, with the processes that the program has started; 0 where it cannot be seen.
    """

    name: str
    state: str
    pid: int
    uptime: float
    memory: int
    reason: str


class Watch:
    """Looks at the programs of one supervisor, whose logs are in `logs`."""

    def __init__(self, supervisor: Supervisor, logs: Path) -> None:
        self._supervisor = supervisor
        self._logs = logs

    def log_path(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def until_ready(self, name: str, check: Check, timeout: float = 120.0) -> None:
        """Wait until `check` passes; raise OperatorError with the reason and the end of the log when it will not."""
        deadline = time.monotonic() + timeout
        falling: float | None = None
        while True:
            try:
                check()
            except NotReadyError as error:
                reason = str(error)
            else:
                return
            status = self._supervisor.statuses().get(name)
            now = time.monotonic()
            if status is not None and status.state == "STOPPED":
                raise OperatorError(f"{name} is stopped; start it with: make up")
            if status is not None and status.state in ("BACKOFF", "FATAL", "EXITED"):
                falling = falling or now
                if status.state == "FATAL" or now - falling > _FALLING_SECONDS:
                    raise OperatorError(f"{name} does not stay up: {status.reason}\n{self.last_lines(name)}")
            if now > deadline:
                raise OperatorError(f"{name} is not ready after {timeout:.0f} s: {reason}\n{self.last_lines(name)}")
            time.sleep(_POLL_SECONDS)

    def until_stopped(self, names: Collection[str], timeout: float = 60.0) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if all(status.pid == 0 for name, status in self._supervisor.statuses().items() if name in names):
                return
            time.sleep(_POLL_SECONDS)

    def last_lines(self, name: str, count: int = 15) -> str:
        path = self.log_path(name)
        lines = path.read_text(errors="replace").splitlines()[-count:] if path.exists() else []
        return "\n".join([f"The end of {path}:", *(f"    {line}" for line in lines)])
