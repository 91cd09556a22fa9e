"""What has to be in place before a service's processes start: databases, tables, queues, signing keys."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from crm import databases
from crm.credentials import Credentials
from crm.environment import BASE, database_password, owner_environment, roles, servers, service_environment
from crm.errors import OperatorError
from crm.servers import Postgres
from crm.settings import SERVICES, StackSettings
from crm.state import State

_LAST_LINES = 15
_TRY_LATER = 75  # sysexits.h: the command says in a sentence why it left everything as it is.


@dataclass(frozen=True)
class SigningKey:
    """A key that signs tokens, did or will: `status` is active, next, retired or revoked."""

    kid: str
    status: str
    created_at: str
    retired_at: str | None


@dataclass(frozen=True)
class Rotation:
    """The key that signed until now, the one that signs from now on, the one that comes after."""

    retired: str
    active: str
    next: str


@dataclass(frozen=True)
class Command:
    """A module of a service with its arguments; `documented` are exit codes that are no failure."""

    service: str
    arguments: tuple[str, ...]
    owner: bool = False
    documented: tuple[int, ...] = ()


class Preparation:
    """Each step is idempotent and runs the service's own command."""

    def __init__(self, settings: StackSettings, credentials: Credentials, state: State) -> None:
        self._settings = settings
        self._credentials = credentials
        self._state = state

    def databases(self, server: Postgres) -> None:
        for service in SERVICES:
            passwords = {role: database_password(self._credentials, service, role) for role in roles(service)}
            databases.ensure(server.url, service, passwords)

    def migrate(self) -> Mapping[str, str]:
        """Bring every database to its newest revision; return the revisions by service."""
        return self._each(lambda service: self.run(service, "chassis", "migrate", service, owner=True).strip())

    def topology(self) -> None:
        """Declare what every service needs at the broker: in one process, for they share the account that may."""
        first, *others = SERVICES
        self.run(first, "chassis", "topology", first, *others, owner=True)

    def signing_keys(self) -> Mapping[str, str]:
        """Make signing keys where there are none; answer the public keys, as `public_keys` does."""
        keys: dict[str, str] = json.loads(self.run("identity", "identity.keys", "ensure"))
        return keys

    def public_keys(self) -> Mapping[str, str]:
        """The public keys of all good tokens as PEM, by kid."""
        keys: dict[str, str] = json.loads(self.run("identity", "identity.keys", "public"))
        return keys

    def list_keys(self) -> list[SigningKey]:
        """Every signing key there ever was, the oldest first."""
        return [SigningKey(**key) for key in json.loads(self.run("identity", "identity.keys", "list"))]

    def rotate_keys(self, *, force: bool) -> Rotation:
        """Let the next key sign. Raises OperatorError with the reason when that would be too early."""
        arguments = ("rotate", "--force") if force else ("rotate",)
        return Rotation(**json.loads(self.run("identity", "identity.keys", *arguments, owner=True)))

    def revoke_key(self, kid: str) -> None:
        """Publish a retired key no longer."""
        self.run("identity", "identity.keys", "revoke", kid, owner=True)

    def resync(self, service: str, *, remove: bool) -> None:
        """Have `service` ask anew for all that it keeps references to; it says on the terminal how it goes."""
        done = subprocess.run(
            [sys.executable, "-m", f"{service}.operators", "resync", *(["--remove"] if remove else [])],
            env=self.environment(service, owner=True),
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            raise OperatorError("the references are not complete; run it again, what is done stays done")

    def rekey(self, service: str, company: int) -> None:
        """Have `service` make the keys of its records anew, from `company` on; it says on the terminal how it goes."""
        done = subprocess.run(
            [sys.executable, "-m", f"{service}.operators", "rekey", "--company", str(company)],
            env=self.environment(service, owner=True),
            cwd="/",
            check=False,
        )
        if done.returncode != 0:
            raise OperatorError("the keys are not all made; run it again, what is done stays done")

    def dead_letters(self, service: str, command: str, *arguments: str) -> list[Any]:
        """What the service's own command about its dead letters answers."""
        module = "chassis.broker.dead_letter_command"
        answer: list[Any] = json.loads(self.run(service, module, command, service, *arguments, owner=True))
        return answer

    def _each(self, step: Callable[[str], str]) -> dict[str, str]:
        with ThreadPoolExecutor(len(SERVICES)) as pool:
            return dict(zip(SERVICES, pool.map(step, SERVICES), strict=True))

    def run(self, service: str, module: str, *arguments: str, owner: bool = False) -> str:
        done = subprocess.run(
            [sys.executable, "-m", module, *arguments],
            env=self.environment(service, owner=owner),
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode == _TRY_LATER:
            raise OperatorError(done.stderr.strip())
        if done.returncode != 0:
            lines = (done.stdout + done.stderr).strip().splitlines()[-_LAST_LINES:]
            text = "\n".join(f"    {line}" for line in lines)
            raise OperatorError(f"`{module} {' '.join(arguments)}` failed for {service}:\n{text}")
        return done.stdout

    def pipe(self, first: Command, then: Command) -> tuple[int, str]:
        """Feed a command with what another one prints; answer its exit code and what it says.

        Raises OperatorError when the first fails, or the second with more than a status that it documents.
        """
        return piped(self._arguments(first), self._arguments(then), documented=then.documented)

    def _arguments(self, command: Command) -> dict[str, Any]:
        environment = self.environment(command.service, owner=command.owner)
        return {"args": [sys.executable, "-m", *command.arguments], "env": environment, "cwd": "/"}

    def environment(self, service: str, *, owner: bool) -> dict[str, str]:
        """What a command of `service` is told, of an `owner` of its tables or of a process like others."""
        environment = dict(BASE) | service_environment(service, self._settings, self._credentials, self._state)
        if owner:
            environment |= owner_environment(service, self._credentials, servers(self._state))
        return environment


def piped(first: Mapping[str, Any], then: Mapping[str, Any], *, documented: Sequence[int]) -> tuple[int, str]:
    """Feed a process with what another one prints, each by what Popen is told; answer its exit code and what it says.

    Raises OperatorError when the first fails, or the second with more than a status that is `documented`.
    """
    with (
        subprocess.Popen(**first, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as source,
        subprocess.Popen(**then, stdin=source.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sink,
    ):
        assert source.stdout is not None
        assert source.stderr is not None
        source.stdout.close()  # The second has it, and the first hears of the second's end.
        said, complained = sink.communicate()
        reason = source.stderr.read()
    for told, code, text, known in (
        (first, source.returncode, reason, (0,)),
        (then, sink.returncode, complained, (0, *documented)),
    ):
        if code not in known:
            lines = "\n".join(f"    {line}" for line in text.decode().strip().splitlines()[-_LAST_LINES:])
            raise OperatorError(f"`{' '.join(told['args'][-6:])}` failed:\n{lines}")
    return sink.returncode, said.decode()
