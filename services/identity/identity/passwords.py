"""Passwords hashed with bcrypt: aside, few at a time, giving way, and as long for strangers as for users."""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

import bcrypt

from chassis.errors import Unavailable
from identity.rules import password_bytes

COSTS = range(4, 17)  # bcrypt goes on to 31, where one hash takes days.
AT_ONCE = 2
WAITING = 10
# Twice this, for a change of password, is still less than gunicorn's deadline.
PATIENCE_SECONDS = 5.0
NICENESS = 10
SHORTEST_PAUSE, LONGEST_PAUSE = 0.0005, 0.005
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
        self._turns = threading.BoundedSemaphore(at_once)
        self._patience = patience
        self._jobs: SimpleQueue[_Job[Any]] = SimpleQueue()
        self._threads = [threading.Thread(target=_work, args=(self._jobs,), daemon=True) for _ in range(at_once)]
        self._starting = threading.Lock()

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
            if not self._turns.acquire(timeout=self._patience):
                raise _busy()
            try:
                return self._computed(_Job(compute))
            finally:
                self._turns.release()
        finally:
            self._places.release()

    def _computed(self, job: "_Job[Result]") -> Result:
        """Have a job done and look for its result now and then.

        Its thread must wake nobody: it holds the interpreter's lock when it does, whoever is awake takes its processor
        away at once, and all threads of the process would wait for the one that gives way to the whole machine.
        """
        self._start()
        self._jobs.put(job)
        pause = SHORTEST_PAUSE
        while not job.results:
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        result = job.results[0]
        if isinstance(result, _Failed):
            raise result.error
        return result

    def _start(self) -> None:
        """Start the threads when they are first needed, and so after gunicorn's fork."""
        with self._starting:
            for thread in self._threads:
                if thread.ident is None:
                    thread.start()


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class _Job(Generic[Result]):
    """What is to be computed; `results` is empty until it was."""

    __slots__ = ("compute", "results")

    def __init__(self, compute: Callable[[], Result]) -> None:
        self.compute = compute
        self.results: list[Result | _Failed] = []


def _work(jobs: "SimpleQueue[_Job[Any]]") -> None:
    """Compute one job after the other, giving way. Where a lower priority is refused, hashes compete like the rest."""
    if sys.platform == "linux":  # Elsewhere the call would name a process and not a thread.
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    while True:
        job = jobs.get()
        try:
            result = job.compute()
        except Exception as error:  # noqa: BLE001  # It is raised where the job came from.
            result = _Failed(error)
        job.results.append(result)
        del job, result  # A password waits nowhere for the next one.


def _busy() -> Unavailable:
    return Unavailable("busy", "Too many sign-ins at once; try again in a moment.", headers={"Retry-After": "1"})
