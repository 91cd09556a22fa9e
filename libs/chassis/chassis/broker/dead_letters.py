"""Dead letters: what a consumer gave up on, to be looked at, mended and replayed."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import uuid_utils
from sqlalchemy import text

from chassis.broker import topology
from chassis.broker.amqp import Publisher
from chassis.broker.attempts import ROUTING_KEY
from chassis.broker.messages import BrokerUnavailable, Message, Outcome
from chassis.db.session import Database
from chassis.db.statements import Prepared

PATIENCE = 10.0  # Less than idle_in_transaction_session_timeout: a row is locked meanwhile.

_LIST = Prepared(
    text(
        "SELECT id, event_id::text, routing_key, error, history, failed_at, replayed_at FROM failed_messages "
        "WHERE consumer = :consumer AND (:replayed OR replayed_at IS NULL) AND id > :after ORDER BY id LIMIT :most"
    )
)
_GET = Prepared(
    text(
        "SELECT id, event_id::text, routing_key, error, history, failed_at, replayed_at, body FROM failed_messages "
        "WHERE consumer = :consumer AND id = :id"
    )
)
_LOCK = Prepared(
    text(
        "SELECT event_id::text, routing_key, body, replayed_at FROM failed_messages "
        "WHERE consumer = :consumer AND id = :id FOR UPDATE"
    )
)
_MARK = Prepared(text("UPDATE failed_messages SET replayed_at = now() WHERE consumer = :consumer AND id = :id"))
_FORGET_ATTEMPTS = Prepared(
    text("DELETE FROM message_attempts WHERE consumer = :consumer AND event_id = CAST(:event_id AS uuid)")
)
_FORGET_EFFECT = Prepared(text("DELETE FROM inbox WHERE consumer = :consumer AND event_id = CAST(:event_id AS uuid)"))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was given up. `history` holds the failed attempts, oldest first."""

    id: int
    event_id: str | None
    routing_key: str
    error: str
    history: list[dict[str, Any]]
    failed_at: datetime
    replayed_at: datetime | None


class ReplayError(Exception):
    """The dead letter is not there, or was not replayed; the text says which."""


def list_dead_letters(
    database: Database, consumer: str, *, replayed: bool = False, after: int = 0, most: int = 100
) -> list[DeadLetter]:
    """Up to `most` dead letters of a consumer with ids above `after`, oldest first; replayed ones only if asked for."""
    with database.transaction() as session:
        rows = session.fetch(_LIST, consumer=consumer, replayed=replayed, after=after, most=most)
    return [DeadLetter(*row) for row in rows]


def get_dead_letter(database: Database, consumer: str, number: int) -> tuple[DeadLetter, bytes]:
    """A dead letter, replayed or not, and the bytes that arrived. Raises ReplayError for an unknown id."""
    with database.transaction() as session:
        row = session.fetch_one(_GET, consumer=consumer, id=number)
    if row is None:
        raise ReplayError(f"{consumer} has no dead letter {number}")
    return DeadLetter(*row[:-1]), bytes(row[-1])


def replay(database: Database, broker_url: str, consumer: str, ids: Sequence[int], *, force: bool = False) -> list[int]:
    """Send dead letters' stored bytes to the consumer's own queue again and answer the ids that were sent.

    The event's id stays the same, so that an effect which did happen does not happen twice; `force` deletes its inbox
    row first and makes it happen again. Those already replayed are passed over unless forced. Raises ReplayError for an
    unknown id or a publish that was not confirmed; what was sent before stays sent and marked.
    """
    with closing(Publisher(broker_url, name=f"{consumer}.replay")) as publisher:
        if not publisher.wait_ready(PATIENCE):
            raise BrokerUnavailable("no connection to the broker")
        return [number for number in ids if _replay_one(database, publisher, consumer, number, force=force)]


def _replay_one(database: Database, publisher: Publisher, consumer: str, number: int, *, force: bool) -> bool:
    # The row is locked while the message is sent, so that two operators replay it once. Should the commit fail after
    # the confirm, the row stays unmarked and the message is sent: the inbox absorbs the second replay.
    with database.transaction() as session:
        row = session.fetch_one(_LOCK, consumer=consumer, id=number)
        if row is None:
            raise ReplayError(f"{consumer} has no dead letter {number}")
        event_id, routing_key, body, replayed_at = row
        if replayed_at is not None and not force:
            return False
        if event_id is not None:
            _forget(database, consumer, event_id, effect=force)
        message = Message(
            exchange=topology.own_exchange(consumer),
            routing_key=topology.events_queue(consumer),
            body=bytes(body),
            message_id=event_id or str(uuid_utils.uuid7()),
            headers={ROUTING_KEY: routing_key},
        )
        outcome = publisher.publish_batch([message], PATIENCE)[0]
        if outcome is not Outcome.CONFIRMED:
            raise ReplayError(f"the broker did not confirm dead letter {number}: {outcome.value}")
        session.run(_MARK, consumer=consumer, id=number)
    return True


def _forget(database: Database, consumer: str, event_id: str, *, effect: bool) -> None:
    """Commit before the message is sent, or its consumer could still see the old rows."""
    with database.transaction() as session:
        session.run(_FORGET_ATTEMPTS, consumer=consumer, event_id=event_id)
        if effect:
            session.run(_FORGET_EFFECT, consumer=consumer, event_id=event_id)
