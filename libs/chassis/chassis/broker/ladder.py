"""The retry ladder: which delay queue a failed message waits in, and when it is given up."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Rung:
    """A delay queue: `<service>.retry.<name>`."""

    name: str
    delay: timedelta


@dataclass(frozen=True)
class Ladder:
    """The rungs, and for each failed attempt but the last the rung that the message then waits on."""

    rungs: tuple[Rung, ...]
    climb: tuple[int, ...]

    @property
    def attempts(self) -> int:
        """How often a message is tried before it becomes a dead letter."""
        return len(self.climb) + 1

    def rung_after(self, attempt: int) -> Rung | None:
        """Where to wait after failed attempt number `attempt` (from 1); None when that was the last."""
        return self.rungs[self.climb[attempt - 1]] if attempt < self.attempts else None


# Eight attempts over 72 minutes: longer than a deployment or a fail-over takes, and a person hears of it the same day.
LADDER = Ladder(
    rungs=(
        Rung("10s", timedelta(seconds=10)),
        Rung("1m", timedelta(minutes=1)),
        Rung("10m", timedelta(minutes=10)),
        Rung("1h", timedelta(hours=1)),
    ),
    climb=(0, 0, 0, 1, 1, 2, 3),
)
