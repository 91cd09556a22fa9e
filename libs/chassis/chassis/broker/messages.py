"""What goes to the broker and comes from it, and how it ends, said without AMQP's client."""

import threading
from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol


class BrokerUnavailable(Exception):
    """The broker did not answer in time."""


class BrokerRefused(Exception):
    """The broker closed the channel over an operation; `code` is AMQP's reply code, 404 or 406 for instance."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class Outcome(StrEnum):
    """What became of a published message."""

    CONFIRMED = "confirmed"  # Every queue that it was routed to has it on disk.
    RETURNED = "returned"  # Mandatory, and there was no queue for it.
    REFUSED = "refused"  # The broker answered with a nack: a queue is full.
    LOST = "lost"  # No answer before the connection ended or the time was up: it may have arrived or not.


class Message(NamedTuple):
    """What is to be published. `message_id` tells returned messages apart, so it must be unique within a batch."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    type: str | None = None
    correlation_id: str | None = None
    content_type: str = "application/cloudevents+json"
    timestamp: int | None = None
    headers: Mapping[str, Any] = MappingProxyType({})


class Properties(Protocol):
    """What AMQP says of a message beside its route and its body; reading one may decode them all."""

    message_id: str | None
    type: str | None
    correlation_id: str | None
    content_type: str | None
    timestamp: int | None
    headers: Mapping[str, Any] | None


class Delivery(NamedTuple):
    """A message as it arrived. `generation` names the connection; on the next one its tag means nothing."""

    generation: int
    tag: int
    redelivered: bool
    exchange: str
    routing_key: str
    body: bytes
    properties: Properties


class Batch:
    """Messages on their way. `wait` answers their outcomes; it never takes longer than it is told.

    `refusal` is set when the broker closed the channel over them: over one of them, if the code says so.
    """

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.refusal: BrokerRefused | None = None
        self._outcomes = [Outcome.LOST] * len(messages)
        self._unanswered = len(messages)
        self._done = threading.Event()
        if not messages:
            self._done.set()

    def wait(self, timeout: float) -> list[Outcome]:
        """The outcome of each message, in order; LOST for those unanswered after `timeout` seconds."""
        self._done.wait(timeout)
        return list(self._outcomes)

    @property
    def done(self) -> bool:
        """Whether no more answers are waited for."""
        return self._done.is_set()

    def settle(self, index: int, outcome: Outcome) -> None:
        """The broker has answered about one of them."""
        self._outcomes[index] = outcome
        self._unanswered -= 1
        if not self._unanswered:
            self._done.set()

    def abandon(self, refusal: BrokerRefused | None = None) -> None:
        """No more answers come."""
        self.refusal = refusal
        self._done.set()
