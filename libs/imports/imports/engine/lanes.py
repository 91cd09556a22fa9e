"""Two tasks at a time, unless they could meet."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self

from chassis.context import acting_as, current

LANES = 2


class Lanes:
    """Runs two tasks at a time, one after the other where they share a key; what one raises ends all."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(LANES)
        self._running: deque[tuple[set[Any], Future[None]]] = deque()
        self._context = current()

    def run(self, keys: set[Any], task: Callable[..., None], *arguments: Any) -> None:
        """Begin a task as soon as a lane is free and nothing that it could meet is under way."""
        while len(self._running) == LANES or any(keys & running for running, _ in self._running):
            self._running.popleft()[1].result()
        self._running.append((keys, self._pool.submit(self._act, task, *arguments)))

    def _act(self, task: Callable[..., None], *arguments: Any) -> None:
        with acting_as(self._context):
            task(*arguments)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            while self._running:
                self._running.popleft()[1].result()
        finally:
            self._pool.shutdown()
