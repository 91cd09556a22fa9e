"""Places of a process: however many requests of one tenant come, threads are left to the others."""

import contextlib
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from chassis.errors import TooManyRequests
from chassis.web.parameters import may_ask

# As long as a statement of a list may take, so that nobody is refused for one.
LONGEST_WAIT = 3.0
# What a query string asks for that may look at all records of a tenant: the number of them, or words in their texts.
_COSTLY = frozenset({"include", "q"})
# Of the threads for who waits so many are always free, for requests that begin something; a tenant has all of the
# others but one in so many.
_FREE, _PART_FOR_OTHERS = 2, 4

View = TypeVar("View", bound=Callable[..., Any])


def costly(view: View) -> View:
    """Declare that a route counts or adds up the records of a tenant, however few it shows."""
    view.costly = True  # type: ignore[attr-defined]  # The application reads it when routes are registered.
    return view


def asks_much(query_string: bytes) -> bool:
    """Whether a list is asked how many records it has, or searched, however that is spelled.

    Most query strings can be told at a glance to ask for neither.
    """
    if not may_ask(query_string, b"include", b"q="):
        return False
    return any(name in _COSTLY for name, _ in parse_qsl(query_string.decode("utf-8", "replace")))


class Places:
    """Counts each tenant's requests in this process and refuses those beyond `most`; None takes all.

    The gateway sees to it that a tenant's requests wait there. This is for those whose client is gone, of which the
    gateway knows no more while a thread still works on them.
    """

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._taken: Counter[int] = Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def taken(self, company_id: int) -> Iterator[None]:
        """Take a place while the request is worked on. Raises TooManyRequests."""
        if self._most is None:
            yield
            return
        with self._lock:
            if self._taken[company_id] >= self._most:
                raise _refusal()
            self._taken[company_id] += 1
        try:
            yield
        finally:
            with self._lock:
                _less(self._taken, company_id)


class CostlyPlaces:
    """Places of each tenant for what costs most: `most` at work, and so many that wait in turn; None takes all.

    A tenant whose counts are slow has a part of the connections to the database and of its processors, also where the
    clients are gone. Those that the gateway lets through at once, as pages ask for them, only wait for one another.
    """

    def __init__(self, most: int | None, *, waiting: int = 0, longest_wait: float = LONGEST_WAIT) -> None:
        self._most = most
        self._most_waiting = waiting
        self._longest_wait = longest_wait
        self._at_work: Counter[int] = Counter()
        self._waiting: dict[int, deque[threading.Event]] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def taken(self, company_id: int) -> Iterator[None]:
        """Take a place while the request is worked on, and wait for it a little. Raises TooManyRequests."""
        if self._most is None:
            yield
            return
        turn = self._take(company_id, self._most)
        if turn is not None and not turn.wait(self._longest_wait):
            self._give_up(company_id, turn)
        try:
            yield
        finally:
            self._leave(company_id)

    def _take(self, company_id: int, most: int) -> threading.Event | None:
        """None where there was a place, else what is set when it is this one's turn."""
        with self._lock:
            if self._at_work[company_id] < most:
                self._at_work[company_id] += 1
                return None
            waiting = self._waiting.setdefault(company_id, deque())
            if len(waiting) >= self._most_waiting:
                raise _refusal()
            waiting.append(threading.Event())
            return waiting[-1]

    def _give_up(self, company_id: int, turn: threading.Event) -> None:
        with self._lock:
            # A place that was handed over at the last moment is taken all the same.
            if not turn.is_set():
                self._waiting[company_id].remove(turn)
                raise _refusal()

    def _leave(self, company_id: int) -> None:
        """Hand the place over to who has waited longest, before anybody else can take it."""
        with self._lock:
            if waiting := self._waiting.get(company_id):
                waiting.popleft().set()
                return
            self._waiting.pop(company_id, None)
            _less(self._at_work, company_id)


class Room:
    """Counts who waits in this process for what is done elsewhere. Nobody is refused: who finds no room does not wait.

    `threads` is how many there are for who waits, clients that are gone among them; None takes all.
    """

    def __init__(self, threads: int | None) -> None:
        self._most = None if threads is None else max(threads - _FREE, 1)
        self._of_tenant = None if self._most is None else self._most - self._most // _PART_FOR_OTHERS
        self._waiting: Counter[int] = Counter()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def found(self, company_id: int) -> Iterator[bool]:
        """Whether there is room, which is taken meanwhile."""
        if self._most is None or self._of_tenant is None:
            yield True
            return
        with self._lock:
            found = self._waiting.total() < self._most and self._waiting[company_id] < self._of_tenant
            if found:
                self._waiting[company_id] += 1
        try:
            yield found
        finally:
            if found:
                with self._lock:
                    _less(self._waiting, company_id)


def _less(counter: Counter[int], company_id: int) -> None:
    counter[company_id] -= 1
    if not counter[company_id]:
        del counter[company_id]


def _refusal() -> TooManyRequests:
    detail = "Too many requests at once; wait until some are answered."
    return TooManyRequests("too_many_at_once", detail, headers={"Retry-After": "1"})
