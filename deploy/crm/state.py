"""What a stack remembers between two commands: its ports, how many processes it has, what has been prepared."""

import contextlib
import fcntl
import json
from collections.abc import Collection, Iterator
from pathlib import Path

from crm.errors import OperatorError
from crm.files import write_private
from crm.ports import free_port, is_free


class State:
    """`home/state.json`. Every change is written at once."""

    def __init__(self, home: Path) -> None:
        self._path = home / "state.json"
        self.ports: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.prepared = ""
        if self._path.exists():
            values = json.loads(self._path.read_text())
            self.ports = values["ports"]
            self.counts = values["counts"]
            self.prepared = values["prepared"]

    def port(self, name: str) -> int:
        """The port of `name`, chosen once and kept."""
        if name not in self.ports:
            self.ports[name] = free_port(self.ports.values())
            self.save()
        return self.ports[name]

    def set_port(self, name: str, port: int) -> None:
        if self.ports.get(name) != port:
            self.ports[name] = port
            self.save()

    def drop_busy_ports(self, keep: Collection[str]) -> None:
        """Forget the ports that somebody else has taken while this stack was down, except those of `keep`."""
        busy = [name for name, port in self.ports.items() if name not in keep and not is_free(port)]
        for name in busy:
            del self.ports[name]
        if busy:
            self.save()

    def count(self, program: str, default: int) -> int:
        return self.counts.get(program, default)

    def set_count(self, program: str, count: int) -> None:
        self.counts[program] = count
        self.save()

    def set_prepared(self, fingerprint: str) -> None:
        self.prepared = fingerprint
        self.save()

    def save(self) -> None:
        values = {"ports": self.ports, "counts": self.counts, "prepared": self.prepared}
        write_private(self._path, json.dumps(values, indent=1, sort_keys=True) + "\n")


@contextlib.contextmanager
def exclusive(home: Path) -> Iterator[None]:
    """Hold the stack's lock: two commands that change one stack would undo each other's work."""
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperatorError(
                f"another command is changing the stack in {home}; try again when it is done."
            ) from None
        yield
