"""How often a message was tried, as it travels in our own headers; broker counters differ by version."""

import traceback
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
import uuid_utils

from chassis.broker.bookkeeping import storable
from chassis.broker.messages import Delivery, Message
from chassis.broker.topology import EXCHANGE

ATTEMPT = "crm-attempt"
HISTORY = "crm-history"
ROUTING_KEY = "crm-routing-key"
LONGEST_LINE = 500
LONGEST_HISTORY = 20


def failed_so_far(delivery: Delivery) -> int:
    """How many attempts on this message have failed already."""
    value = _own_header(delivery, ATTEMPT)
    return value if isinstance(value, int) and value > 0 else 0


def original_routing_key(delivery: Delivery) -> str:
    """The key it was published with; on its way back from a delay queue the broker replaces it."""
    key = _own_header(delivery, ROUTING_KEY)
    return key if isinstance(key, str) else delivery.routing_key


def _own_header(delivery: Delivery, name: str) -> Any:
    # What comes from the shared exchange was written by its publisher: only what we sent ourselves has our headers.
    return None if delivery.exchange == EXCHANGE else (delivery.properties.headers or {}).get(name)


def history(delivery: Delivery, error: BaseException) -> list[dict[str, Any]]:
    """What is known of earlier failures, and this one."""
    try:
        before = orjson.loads(_own_header(delivery, HISTORY) or "[]")
    except (ValueError, TypeError):
        before = []
    known: list[dict[str, Any]] = (
        [each for each in before if isinstance(each, dict)] if isinstance(before, list) else []
    )
    line = storable(f"{type(error).__name__}: {error}")[:LONGEST_LINE]
    entry: dict[str, Any] = {"attempt": failed_so_far(delivery) + 1, "at": datetime.now(UTC).isoformat(), "error": line}
    return [*known, entry][-LONGEST_HISTORY:]


def trace(error: BaseException) -> str:
    """The traceback, for the one who has to mend it."""
    return "".join(traceback.format_exception(error))


def resend(
    delivery: Delivery, exchange: str, queue: str, entries: Sequence[Mapping[str, Any]], attempt: int
) -> Message:
    """The same message for another queue of ours, by way of our own `exchange`."""
    return Message(
        exchange=exchange,
        routing_key=queue,
        body=delivery.body,
        message_id=delivery.properties.message_id or str(uuid_utils.uuid7()),
        type=delivery.properties.type,
        correlation_id=delivery.properties.correlation_id,
        content_type=delivery.properties.content_type or "application/octet-stream",
        timestamp=delivery.properties.timestamp,
        headers={
            ATTEMPT: attempt,
            HISTORY: orjson.dumps(list(entries)).decode(),
            ROUTING_KEY: original_routing_key(delivery),
        },
    )
