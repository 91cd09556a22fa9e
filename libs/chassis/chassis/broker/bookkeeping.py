"""What a consumer remembers about messages that went wrong: attempts that may kill the process, and dead letters."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import text

from chassis.db.session import Database
from chassis.db.statements import Prepared

_SEEN = Prepared(text("SELECT 1 FROM inbox WHERE consumer = :consumer AND event_id = CAST(:event_id AS uuid)"))
_BEGIN = Prepared(
    text(
        "INSERT INTO message_attempts AS a (consumer, event_id, attempts) "
        "VALUES (:consumer, CAST(:event_id AS uuid), 1) "
        "ON CONFLICT (consumer, event_id) DO UPDATE SET attempts = a.attempts + 1, last_attempt_at = now() "
        "RETURNING attempts"
    )
)
_FORGET = Prepared(
    text("DELETE FROM message_attempts WHERE consumer = :consumer AND event_id = CAST(:event_id AS uuid)")
)
# The same message may be given up twice when the process dies between this row and the acknowledgement. The lock waits
# for a replay under way, so that a message that fails again at once gets a row again.
_BURY = Prepared(
    text(
        "INSERT INTO failed_messages (consumer, event_id, routing_key, body, error, history) "
        "SELECT CAST(:consumer AS text), CAST(:event_id AS uuid), :routing_key, CAST(:body AS bytea), :error, "
        "CAST(:history AS jsonb) WHERE NOT EXISTS ("
        "SELECT FROM failed_messages WHERE consumer = CAST(:consumer AS text) AND replayed_at IS NULL "
        "AND event_id IS NOT DISTINCT FROM CAST(:event_id AS uuid) AND body = CAST(:body AS bytea) FOR UPDATE)"
    )
)

LONGEST_ERROR = 4000


class Bookkeeping:
    """A consumer's notes, in the service's own database as its app role; each call is a transaction of its own."""

    def __init__(self, database: Database, consumer: str) -> None:
        self._database = database
        self._consumer = consumer

    def begin_attempt(self, event_id: str) -> int | None:
        """Count an attempt before it is made, and answer how many there were with it; None if the effect is there."""
        with self._database.transaction() as session:
            if session.fetch(_SEEN, consumer=self._consumer, event_id=event_id):
                return None
            row = session.fetch_one(_BEGIN, consumer=self._consumer, event_id=event_id)
            assert row is not None
            return int(row[0])

    def forget_attempts(self, event_id: str) -> None:
        """The process survived the message."""
        with self._database.transaction() as session:
            session.run(_FORGET, consumer=self._consumer, event_id=event_id)

    def bury(
        self, *, event_id: str | None, routing_key: str, body: bytes, error: str, history: Sequence[Mapping[str, Any]]
    ) -> None:
        """Store a dead letter with everything that a replay or an investigation needs."""
        with self._database.transaction() as session:
            session.run(
                _BURY,
                consumer=self._consumer,
                event_id=event_id,
                routing_key=storable(routing_key)[:255],
                body=body,
                error=storable(error)[-LONGEST_ERROR:],
                history=Jsonb(list(history)),
            )


def storable(value: str) -> str:
    """Text that PostgreSQL accepts: an error may quote a message with NUL or half a surrogate pair in it."""
    return value.replace("\x00", "\\0").encode("utf-8", "backslashreplace").decode()
