"""Retries: which delay queue a failed message waits in, and when it is given up."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class RetryDelay:
    """A delay queue: `<service>.retry.<name>`."""

    name: str
    delay: timedelta


@dataclass(frozen=True)
class RetrySchedule:
    """The delays, and for each failed attempt but the last the delay that the message then waits."""

    delays: tuple[RetryDelay, ...]
    steps: tuple[int, ...]

    @property
    def attempts(self) -> int:
        """How often a message is tried before it becomes a dead letter."""
        return len(self.steps) + 1

    def delay_after(self, attempt: int) -> RetryDelay | None:
        """Where to wait after failed attempt number `attempt` (from 1); None when that was the last."""
        return self.delays[self.steps[attempt - 1]] if attempt < self.attempts else None


# Eight attempts over 72 minutes: longer than a deployment or a fail-over takes, and a person hears of it the same day.
RETRIES = RetrySchedule(
    delays=(
        RetryDelay("10s", timedelta(seconds=10)),
        RetryDelay("1m", timedelta(minutes=1)),
        RetryDelay("10m", timedelta(minutes=10)),
        RetryDelay("1h", timedelta(hours=1)),
    ),
    steps=(0, 0, 0, 1, 1, 2, 3),
)
