"""A stack of containers, restored from a backup in its volume or its folder."""

import json
import time
from collections.abc import Sequence
from datetime import datetime

from crm.backup.restorable import Report
from crm.compose.stack import Containers
from crm.errors import OperatorError
from crm.jobs.places import LATEST
from crm.preparation import Command
from crm.settings import SERVICES

# A command of the owner's runs where migrations do; what it asks of the broker, whoever declares may ask too.
_OWNER = ("--env", "BROKER_URL_FILE=/run/crm-owner/owner_broker_url")


class RunningContainers:
    """What is the same wherever the databases come from."""

    def __init__(self, stack: Containers) -> None:
        self.stack = stack
        stack.build("backup")

    def stop(self, service: str, kind: str) -> None:
        self.stack.run("stop", f"{service}-{kind}")

    def start(self, services: Sequence[str]) -> None:
        self.stack.start_again(services)
        if "identity" in services:
            self.stack.configure_gateway()
            self.stack.forget_keys()

    def unpublished(self, service: str, patience: float) -> str:
        return self.stack.job("backup", "unpublished", service, str(patience)).strip()

    def rabbitmqctl(self, *arguments: str) -> str:
        return self.stack.rabbitmqctl(*arguments)

    def run(self, command: Command) -> str:
        return self.stack.run(*_arguments(command))

    def pipe(self, first: Command, then: Command) -> tuple[int, str]:
        return self.stack.pipe(_arguments(first), _arguments(then), documented=then.documented)

    def resync(self, service: str) -> None:
        self.stack.resync(service)

    def replace_keys(self) -> None:
        # Twice: either of the keys in the backup may have signed since.
        for _ in range(2):
            rotated = json.loads(self.run(Command("identity", ("identity.keys", "rotate", "--force"), owner=True)))
            self.run(Command("identity", ("identity.keys", "revoke", rotated["retired"]), owner=True))

    def settle(self, *services: str) -> None:
        """Roles have today's rights and passwords, and what is of an older release has this one's tables."""
        self.stack.job("databases")
        for service in services:
            self.stack.job(f"{service}-prepare")


class ContainersFromBackup(RunningContainers):
    """Puts services back from a backup of that name, the newest without one. Raises OperatorError where it is not."""

    def __init__(self, stack: Containers, name: str | None) -> None:
        super().__init__(stack)
        found = json.loads(stack.job("backup", "manifest", *([name] if name else [])))
        self.name: str = found["name"]
        self.began = datetime.fromisoformat(found["began_at"])

    def load(self, services: Sequence[str], report: Report) -> None:
        for service in services:
            began = time.monotonic()
            said = self.stack.job("backup", "restore", service, self.name).split("restored", 1)[-1].strip()
            self.settle(service)
            report("restored", said, time.monotonic() - began)


class ContainersFromArchive(RunningContainers):
    """Puts everything back to one instant, or to the last that the archive knows where that is None."""

    def __init__(self, stack: Containers, instant: datetime | None) -> None:
        super().__init__(stack)
        self._text = instant.isoformat() if instant else LATEST
        self.began = instant or self.last_base

    @property
    def last_base(self) -> datetime:
        """When the last base backup ended. Raises OperatorError where the archive does not lead to the instant."""
        return datetime.fromisoformat(archiving(self.stack, "holds", self._text).strip())

    def examine(self, report: Report) -> None:
        """See that the instant can be had, while everything runs. Raises OperatorError."""
        began = time.monotonic()
        report("archive", f"has a base backup of {self.last_base:%Y-%m-%d %H:%M:%S}", time.monotonic() - began)
        if self._text != LATEST:
            began = time.monotonic()
            archiving(self.stack, "prove", self._text)
            report("recovered", f"everything as of {self._text}", time.monotonic() - began)

    def load(self, services: Sequence[str], report: Report) -> None:
        """Have PostgreSQL recover; what was there is in the archive, as what happened on another timeline."""
        began = time.monotonic()
        self.stack.run("stop", "archive", "postgres")
        archiving(self.stack, "recover", self._text)
        self.stack.run("start", "postgres", "archive")
        archiving(self.stack, "writable")
        self.settle(*services)
        report("restored", "everything", time.monotonic() - began)


class ContainersAtInstant(RunningContainers):
    """Puts one service back to an instant, from the archive. Raises OperatorError where it cannot be had."""

    def __init__(self, stack: Containers, service: str, instant: datetime, report: Report) -> None:
        super().__init__(stack)
        began = time.monotonic()
        archiving(stack, "holds", instant.isoformat())
        self._name = archiving(stack, "take", service, instant.isoformat()).strip()
        report("recovered", f"{service} as of {instant:%Y-%m-%d %H:%M:%S.%f}", time.monotonic() - began)

    def load(self, services: Sequence[str], report: Report) -> None:
        began = time.monotonic()
        for service in services:
            archiving(self.stack, "load", service, self._name)
        self.settle(*services)
        report("restored", ", ".join(services), time.monotonic() - began)


def archiving(stack: Containers, command: str, *arguments: str) -> str:
    """What a command of the container `archive` prints. Raises OperatorError where the stack has none."""
    if not stack.has_archive:
        raise OperatorError("this stack has no archive; give it one with: make up CRM_ARCHIVE=/folder")
    return stack.job("archive", command, *arguments)


def _arguments(command: Command) -> tuple[str, ...]:
    """How compose runs it, in a container that has what it needs: the worker's, or the one that migrates."""
    assert command.service in SERVICES
    once = ("run", "--rm", "--no-TTY", "--no-deps", "--entrypoint", "python3")
    where = (*_OWNER, f"{command.service}-prepare") if command.owner else (f"{command.service}-worker",)
    return (*once, *where, "-m", *command.arguments)
