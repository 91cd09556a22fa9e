"""What a restoration does to a stack, whatever that is made of."""

from collections.abc import Callable, Sequence
from typing import Protocol

from crm.preparation import Command

Report = Callable[[str, str, float], None]


class Healable(Protocol):
    """A stack that runs."""

    def stop(self, service: str, kind: str) -> None:
        """Stop every process of this kind after what it is at."""

    def start(self, services: Sequence[str]) -> None:
        """Start what was stopped, and return when everything answers; who knows keys by heart learns them anew."""

    def unpublished(self, service: str, patience: float) -> str:
        """Wait until all that happened is published; "" then, else what still waits, or why nobody knows."""

    def rabbitmqctl(self, *arguments: str) -> str:
        """What RabbitMQ's own command prints. Raises OperatorError when it fails."""

    def run(self, command: Command) -> str:
        """What a service's command prints. Raises OperatorError when it fails."""

    def pipe(self, first: Command, then: Command) -> tuple[int, str]:
        """Feed a command with what another one prints; answer its exit code and what it says."""

    def resync(self, service: str) -> None:
        """Have the service rebuild what it keeps of others' records."""

    def replace_keys(self) -> None:
        """Have a new key sign and another one wait; no other is good any more."""


class Restorable(Healable, Protocol):
    """A stack that runs, with what its services are put back from."""

    def load(self, services: Sequence[str], report: Report) -> None:
        """Put the databases of these services in the place of those that are there, with this release's tables."""
