"""Passwords hashed with bcrypt: never more at a time than the process bears, and as long for strangers as for users."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import bcrypt

from chassis.errors import Unavailable
from identity.rules import password_bytes

COSTS = range(4, 17)  # bcrypt goes on to 31, where one hash takes days.
AT_ONCE = 2
PATIENCE_SECONDS = 3.0
# Salt and digest of no password in particular. bcrypt takes its cost from the prefix, so comparing with this takes as
# long as comparing with a real hash of that cost.
_NOBODYS_HASH = "$2b$%02d$CwTycUXWue0Thq9StjUM0uJ8.5F1kYH7S3C5vJb1nB0pYtM8jzUqO"


class Passwords:
    """Hashes and compares passwords at a bcrypt cost.

    A hash keeps a core busy for a quarter of a second at cost 12. More than `at_once` of them would starve every other
    request of the process, so the rest wait, and after `patience` seconds are sent away with Unavailable.
    """

    def __init__(self, cost: int, *, at_once: int = AT_ONCE, patience: float = PATIENCE_SECONDS) -> None:
        self._cost = cost
        self._nobody = (_NOBODYS_HASH % cost).encode()
        self._slots = threading.BoundedSemaphore(at_once)
        self._patience = patience

    def hash(self, secret: bytes) -> str:
        """The hash to store for a secret that `rules.check_new_password` let through."""
        with self._slot():
            return bcrypt.hashpw(secret, bcrypt.gensalt(self._cost)).decode()

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether `password` was hashed to `stored`; something is compared even where there is nothing to compare."""
        secret = password_bytes(password)
        with self._slot():
            if secret is None or stored is None:
                bcrypt.checkpw(b"", self._nobody)
                return False
            return bcrypt.checkpw(secret, stored.encode())

    @contextmanager
    def _slot(self) -> Iterator[None]:
        if not self._slots.acquire(timeout=self._patience):
            raise Unavailable("busy", "Too many sign-ins at once; try again in a moment.", headers={"Retry-After": "1"})
        try:
            yield
        finally:
            self._slots.release()
