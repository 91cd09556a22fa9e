"""Passwords hashed with bcrypt: aside, few at a time, giving way, and as long for strangers as for users."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, LifoQueue
from typing import TypeVar

from chassis.context import current
from chassis.errors import Unavailable
from identity.hashing import Hasher, HashingError
from identity.rules import network_of, password_bytes

COSTS = range(4, 17)  # bcrypt goes on to 31, where one hash takes days.
AT_ONCE = 2
WAITING = 10
# Of these places one user has one, and one network that nobody has signed in from yet so many.
OF_NETWORK = 4
# Where more than half of them are taken, one: a few networks leave places to those that have none.
OF_NETWORK_IN_A_CROWD = 1
PATIENCE_SECONDS = 4.0
# Salt and digest of no password in particular. bcrypt takes its cost from the prefix, so comparing with this takes as
# long as comparing with a real hash of that cost.
_NOBODYS_HASH = "$2b$%02d$CwTycUXWue0Thq9StjUM0uJ8.5F1kYH7S3C5vJb1nB0pYtM8jzUqO"

Result = TypeVar("Result")


class Passwords:
    """Hashes and compares passwords at a bcrypt cost.

    A hash keeps a core busy for a quarter of a second at cost 12. It is computed in one of `at_once` processes that
    give way to every other, so that requests that hash nothing hardly notice. `waiting` more may wait for their turn;
    who comes beyond that, or has waited for `patience` seconds, is sent away with Unavailable. So is who has a share
    of these places already, which leaves the rest to others.
    """

    def __init__(
        self, cost: int, *, at_once: int = AT_ONCE, waiting: int = WAITING, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._cost = cost
        self._nobody = (_NOBODYS_HASH % cost).encode()
        self._all_places = at_once + waiting
        self._places = threading.BoundedSemaphore(self._all_places)
        self._patience = patience
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()
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
        with self._share():
            return self._in_place(compute)

    @contextmanager
    def _share(self) -> Iterator[None]:
        """Take a place of the caller's share meanwhile."""
        who, most = _caller()
        with self._lock:
            if who and 2 * sum(self._taken.values()) >= self._all_places:
                most = min(most, OF_NETWORK_IN_A_CROWD)
            if who and self._taken[who] >= most:
                raise _busy()
            self._taken[who] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[who] -= 1
                if not self._taken[who]:
                    del self._taken[who]

    def _in_place(self, compute: Callable[[Hasher], Result]) -> Result:
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


def _caller() -> tuple[str, int]:
    """Whose share it is, and how many places that has; nobody in particular has no share."""
    context = current()
    if context.user_id is not None:
        return f"user {context.user_id}", 1
    return network_of(context.client_ip), OF_NETWORK


def _busy() -> Unavailable:
    return Unavailable("busy", "Too many sign-ins at once; try again in a moment.", headers={"Retry-After": "1"})
