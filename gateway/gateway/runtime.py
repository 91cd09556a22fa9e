"""HAProxy's runtime API: the maps of its running processes, changed over its sockets without a reload."""

import contextlib
import itertools
import re
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.revocations import Change

_TIMEOUT_SECONDS = 2.0
_PROMPT = b"\n> "
# HAProxy reads a command with all its lines into one buffer, which has 16 KB where nobody has changed it.
_LINES_AT_ONCE = 200
# A master that loads a new configuration runs its program anew, and listens again a moment later.
_MASTER_ATTEMPTS = 10
_PAUSE_SECONDS = 0.05


class RuntimeApiError(OSError):
    """HAProxy refused a command, or said something that nobody expected."""


@dataclass(frozen=True, slots=True)
class Worker:
    """One process of HAProxy. A container may give the same pid again, so its start counts too."""

    pid: int
    started: int


class Conversation:
    """With one process: `ask` sends it a command and answers what it says."""

    def __init__(self, ask: Callable[[str], str], maps: Path) -> None:
        self._ask = self.ask = ask
        self._maps = maps

    def worker(self) -> Worker:
        """Who answers."""
        said = self._ask("show info")
        found = [re.search(rf"^{name}: ([0-9]+)$", said, re.MULTILINE) for name in ("Pid", "Start_time_sec")]
        pid, started = (int(match[1]) if match else 0 for match in found)
        if not pid:
            raise RuntimeApiError("HAProxy does not say its pid")
        return Worker(pid, started)

    def replace(self, name: str, entries: Mapping[str, int]) -> None:
        """Put `entries` in the place of all that a map holds; requests see the old ones or the new, never a mixture."""
        said = self._ask(f"prepare map {self._path(name)}")
        version = re.search(r"New version created: ([0-9]+)", said)
        if version is None:
            raise RuntimeApiError(f"HAProxy prepares no {name}: {said}")
        self._add(f"@{version[1]} {self._path(name)}", entries.items())
        self._command(f"commit map @{version[1]} {self._path(name)}")

    def apply(self, steps: Iterable[Change]) -> None:
        """Change single entries. Raises RuntimeApiError where the process does not hold what was thought."""
        for name, of_map in itertools.groupby(sorted(steps, key=lambda step: step.map), key=lambda step: step.map):
            new = []
            for step in of_map:
                if step.value is None:
                    self._command(f"del map {self._path(name)} {step.key}")
                elif step.known:
                    self._command(f"set map {self._path(name)} {step.key} {step.value}")
                else:
                    new.append((step.key, step.value))
            self._add(self._path(name), new)

    def _add(self, target: str, entries: Iterable[tuple[str, int]]) -> None:
        rest = iter(entries)
        while lines := [f"{key} {value}" for key, value in itertools.islice(rest, _LINES_AT_ONCE)]:
            # Lines between << and an empty one, in which nothing but the first blank has a meaning.
            self._command(f"add map {target} <<\n" + "\n".join(lines) + "\n")

    def _path(self, name: str) -> str:
        return str(self._maps / name).replace(" ", "\\ ")

    def _command(self, command: str) -> None:
        said = self._ask(command)
        if said:
            raise RuntimeApiError(f"{command.partition('<<')[0].strip()}: {said}")


class Haproxy:
    """The HAProxy behind a stats socket, whose map files are in the folder `maps`.

    With the socket of its master, the processes that a reload has left behind can be told as well: each answers one
    more request on every connection that was open.
    """

    def __init__(self, stats_socket: Path, maps: Path, master_socket: Path | None = None) -> None:
        self._socket = stats_socket
        self._maps = maps
        self._master = master_socket

    @contextlib.contextmanager
    def talk(self) -> Iterator[Conversation]:
        """A conversation with the process that takes connections now. Raises OSError."""
        with _connected(self._socket) as connection:
            # One connection, and so one process: after a reload, the next connection leads to the new one.
            _ask_at_prompt(connection, "prompt")
            yield Conversation(lambda command: _ask_at_prompt(connection, command), self._maps)

    def leaving(self) -> list[int]:
        """The pids of the processes that take no new connections and still have old ones. Raises OSError."""
        if self._master is None:
            return []
        said = self._ask_master("show proc")
        if "# workers" not in said:
            raise RuntimeApiError("HAProxy does not say its processes")
        _, _, old = said.partition("# old workers\n")
        return [int(pid) for pid in re.findall(r"^([0-9]+) +worker ", old.partition("#")[0], re.MULTILINE)]

    def talk_to(self, pid: int) -> Conversation:
        """A conversation with one of those that are leaving; what is said raises OSError."""
        return Conversation(lambda command: self._ask_master(f"@!{pid} {command}"), self._maps)

    def _ask_master(self, command: str) -> str:
        assert self._master is not None
        with _connected(self._master, attempts=_MASTER_ATTEMPTS) as connection:
            connection.sendall(command.encode() + b"\n")
            # It hangs up after the answer only when nothing more can come.
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while part := connection.recv(65536):
                received += part
        # An empty answer is a line as well.
        if not received:
            raise RuntimeApiError("HAProxy hung up")
        return received.decode(errors="replace").strip()


@contextlib.contextmanager
def _connected(path: Path, *, attempts: int = 1) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_SECONDS)
        for left in reversed(range(attempts)):
            try:
                connection.connect(str(path))
                break
            except (ConnectionRefusedError, FileNotFoundError):
                if not left:
                    raise
                time.sleep(_PAUSE_SECONDS)
        yield connection


def _ask_at_prompt(connection: socket.socket, command: str) -> str:
    connection.sendall(command.encode() + b"\n")
    received = b""
    while not received.endswith(_PROMPT):
        part = connection.recv(65536)
        if not part:
            raise RuntimeApiError("HAProxy hung up")
        received += part
    # It says "+ " for each further line of a command.
    return received.removesuffix(_PROMPT).decode(errors="replace").strip("+ \n")
