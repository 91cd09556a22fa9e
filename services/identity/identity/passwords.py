"""Passwords hashed with bcrypt: aside, few at a time, giving way, and as long for strangers as for users."""

import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import bcrypt

from chassis.errors import Unavailable
from identity.rules import password_bytes

COSTS = range(4, 17)  # bcrypt goes on to 31, where one hash takes days.
AT_ONCE = 2
WAITING = 10
# Twice this, for a change of password, is still less than gunicorn's deadline.
PATIENCE_SECONDS = 5.0
NICENESS = 10
# Salt and digest of no password in particular. bcrypt takes its cost from the prefix, so comparing with this takes as
# long as comparing with a real hash of that cost.
_NOBODYS_HASH = "$2b$%02d$CwTycUXWue0Thq9StjUM0uJ8.5F1kYH7S3C5vJb1nB0pYtM8jzUqO"

Result = TypeVar("Result")


class Passwords:
    """Hashes and compares passwords at a bcrypt cost.

    A hash keeps a core busy for a quarter of a second at cost 12. It is computed in one of `at_once` threads that give
    way to every other thread of the machine, so that requests that hash nothing hardly notice. `waiting` more may wait
    for their turn; who comes beyond that, or has waited for `patience` seconds, is sent away with Unavailable.
    """

    def __init__(
        self, cost: int, *, at_once: int = AT_ONCE, waiting: int = WAITING, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._cost = cost
        self._nobody = (_NOBODYS_HASH % cost).encode()
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._patience = patience
        # It starts its threads when they are first needed, and so after gunicorn's fork.
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="bcrypt", initializer=_give_way)

    def hash(self, secret: bytes) -> str:
        """The hash to store for a secret that `rules.check_new_password` let through. Raises Unavailable."""
        return self._aside(lambda: bcrypt.hashpw(secret, bcrypt.gensalt(self._cost))).decode()

    def matches(self, password: str, stored: str | None) -> bool:
        """Whether `password` was hashed to `stored`; something is compared even where there is nothing to compare.

        Raises Unavailable.
        """
        secret = password_bytes(password)
        if secret is None or stored is None:
            self._aside(lambda: bcrypt.checkpw(b"", self._nobody))
            return False
        return self._aside(lambda: bcrypt.checkpw(secret, stored.encode()))

    def _aside(self, compute: Callable[[], Result]) -> Result:
        if not self._places.acquire(blocking=False):
            raise _busy()
        try:
            result = self._threads.submit(compute)
        except BaseException:
            self._places.release()
            raise
        # Also called when it is given up before its turn; a hash that has begun keeps its place to the end.
        result.add_done_callback(self._leave)
        try:
            return result.result(timeout=self._patience)
        except TimeoutError:
            result.cancel()
            raise _busy() from None

    def _leave(self, _: Future[Result]) -> None:
        self._places.release()


def _give_way() -> None:
    """Lower this thread's share of the processor. Where that is refused, hashes compete like everything else."""
    if sys.platform == "linux":  # Elsewhere the call would name a process and not a thread.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _busy() -> Unavailable:
    return Unavailable("busy", "Too many sign-ins at once; try again in a moment.", headers={"Retry-After": "1"})
