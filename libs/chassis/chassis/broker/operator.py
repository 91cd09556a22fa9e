"""Declarations on the broker, one at a time, each waited for."""

import queue
from collections.abc import Mapping
from functools import partial
from typing import Any

from chassis.broker.amqp import Link
from chassis.broker.messages import BrokerUnavailable


class Operator(Link):
    """Runs declarations one at a time and waits for each."""

    def __init__(self, url: str, *, name: str) -> None:
        self._answer: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._asked = False
        super().__init__(url, name=name)

    def call(self, operation: str, timeout: float = 30.0, **arguments: Any) -> Any:
        """Call a channel method of that name. Raises BrokerRefused or BrokerUnavailable."""
        if not (self.wait_ready(timeout) and self.soon(partial(self._call, operation, arguments))):
            raise BrokerUnavailable(f"no connection to the broker: {self._reason}")
        try:
            answer = self._answer.get(timeout=timeout)
        except queue.Empty:
            self.close()  # An answer that comes now would be taken for the next question's.
            raise BrokerUnavailable(f"no answer to {operation} in {timeout} s") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> None:
        self._asked = True
        getattr(self._channel, operation)(**arguments, callback=self._answered)

    def _answered(self, frame: Any) -> None:
        self._asked = False
        self._answer.put(frame.method)

    def _prepare(self, _: Any) -> None:
        self.usable()

    def _lost(self) -> None:
        if not self._asked:
            return
        self._asked = False
        self._answer.put(self.refusal or BrokerUnavailable(f"the connection ended: {self._reason}"))
