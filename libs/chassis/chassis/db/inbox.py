"""The inbox: each event takes effect once per consumer, because its row commits together with the effect."""

from collections.abc import Collection

from sqlalchemy import text

from chassis.db.session import Session
from chassis.db.statements import Prepared, array_text

_CLAIM = Prepared(
    text(
        "INSERT INTO inbox (consumer, event_id) "
        "SELECT :consumer, unnest(CAST(:event_ids AS uuid[])) ON CONFLICT DO NOTHING RETURNING CAST(event_id AS text)"
    )
)


def claim(session: Session, consumer: str, event_ids: Collection[str]) -> set[str]:
    """Mark events as handled by `consumer` in the session's transaction; answers those that were not before.

    A concurrent transaction that claims the same event is waited for, up to lock_timeout (idempotent receiver,
    "Enterprise Integration Patterns").
    """
    if not event_ids:
        return set()
    # In one order everywhere, so that two consumers with overlapping batches wait and do not deadlock.
    rows = session.fetch(_CLAIM, consumer=consumer, event_ids=array_text(sorted(set(event_ids))))
    return {row[0] for row in rows}
