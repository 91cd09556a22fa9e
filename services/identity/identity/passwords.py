"""Passwords hashed with bcrypt: aside, few at a time, giving way, and as long for strangers as for users."""

import threading
from collections.abc import Callable
from queue import Empty, LifoQueue
from typing import TypeVar

from chassis.errors import Unavailable
from identity.hashing import Hasher, HashingError
from identity.rules import password_bytes

COSTS = range(4, 17)  # bcrypt goes on to 31, where one hash takes days.
AT_ONCE = 2
WAITING = 10
PATIENCE_SECONDS = 4.0
# Salt and digest of no password in particular. bcrypt takes its cost from the prefix, so comparing with this takes as
# long as comparing with a real hash of that cost.
_NOBODYS_HASH = "$2b$%02d$CwTycUXWue0Thq9StjUM0uJ8.5F1kYH7S3C5vJb1nB0pYtM8jzUqO"

Result = TypeVar("Result")


class Passwords:
    """Hashes and compares passwords at a bcrypt cost.

    A hash keeps a core busy for a quarter of a second at cost 12. It is computed in one of `at_once` processes that
    give way to every other, so that requests that hash nothing hardly notice. `waiting` more may wait for their turn;
    who comes beyond that, or has waited for `patience` seconds, is sent away with Unavailable.
    """

    def __init__(
        self, cost: int, *, at_once: int = AT_ONCE, waiting: int = WAITING, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._cost = cost
        self._nobody = (_NOBODYS_HASH % cost).encode()
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._patience = patience
        # The one that was used last comes first: it is running, the others may never have been needed.
        self._hashers: LifoQueue[Hasher] = LifoQueue()
        for _ in range(at_once):
            self._hashers.put(Hasher())

    def hash(self, secret: bytes) -> str:
        """The hash to store for a secret that `rules.check_new_password` let through. Raises Unavailable."""
        return self._aside(lambda hasher: hasher.hash(secret, self._cost))

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether `password` was hashed to `stored`; something is compared even where there is nothing to compare.

        Raises Unavailable.
        """
        secret = password_bytes(password)
        if secret is None or stored is None:
            self._aside(lambda hasher: hasher.matches(b"", self._nobody))
            return False
        return self._aside(lambda hasher: hasher.matches(secret, stored.encode()))

    def _aside(self, compute: Callable[[Hasher], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            hasher = self._hashers.get(timeout=self._patience)
            try:
                return compute(hasher)
            finally:
                self._hashers.put(hasher)
        except (Empty, HashingError):
            raise _busy() from None
        finally:
            self._places.release()


def _busy() -> Unavailable:
    return Unavailable("busy", "Too many sign-ins at once; try again in a moment.", headers={"Retry-After": "1"})
