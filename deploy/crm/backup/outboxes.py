"""What of a service is still on its way, before it is stopped: events in its outbox, and messages in its queues."""

import time
from collections.abc import Iterable

import psycopg

_POLL_SECONDS = 0.1


def unpublished(url: str, patience: float) -> str:
    """Wait until an outbox is empty; say what still waits in it, or why nobody knows."""
    deadline = time.monotonic() + patience
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            while True:
                row = connection.execute("SELECT count(*) FROM outbox_pending").fetchone()
                if row == (0,):
                    return ""
                if time.monotonic() > deadline:
                    return f"{row[0] if row else 'some'} events"
                time.sleep(_POLL_SECONDS)
    except psycopg.Error as error:
        return str(error).splitlines()[0]


def queues_of(service: str, every: Iterable[str]) -> list[str]:
    """Of the names of all queues those from which a service consumes."""
    return [name for name in every if name == f"{service}.events" or name.startswith(f"{service}.retry.")]
