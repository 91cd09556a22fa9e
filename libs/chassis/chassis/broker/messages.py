"""What goes to the broker and comes from it, and how it ends, said without AMQP's client."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


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


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be published. `message_id` tells returned messages apart, so it must be unique within a batch."""

    exchange: str
    routing_key: str
    body: bytes
    message_id: str
    type: str | None = None
    correlation_id: str | None = None
    content_type: str = "application/cloudevents+json"
    timestamp: int | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it arrived. `generation` names the connection; on the next one its tag means nothing."""

    generation: int
    tag: int
    redelivered: bool
    exchange: str
    routing_key: str
    body: bytes
    message_id: str | None
    type: str | None
    correlation_id: str | None
    content_type: str | None
    timestamp: int | None
    headers: Mapping[str, Any]
