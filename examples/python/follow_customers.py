"""Keeps a copy of a company's customers in SQLite: what is there first, then every change as it happens.

    pip install -r requirements.txt
    export CRM_URL=https://crm.example/v1 CRM_API_KEY=… EVENTS_URL=amqp://… EVENTS_QUEUE=consumers.…
    python follow_customers.py customers.db

The queue has to be there before the copy is made: what changes meanwhile waits in it, so that nothing is missed. The
key needs the scopes customers:read and customers:export. With --idle 5 it ends after five seconds without an event.
"""

import argparse
import json
import logging
import os
import sqlite3
import time
from typing import Any

import pika
from crm_api import Crm
from pika.exceptions import AMQPConnectionError, ProbableAccessDeniedError, ProbableAuthenticationError

EVENTS = {f"crm.customer.{action}.v1" for action in ("created", "updated", "archived", "restored", "merged", "purged")}
PREFETCH = 100
LONGEST_PAUSE = 30.0

log = logging.getLogger("follow_customers")


class Copy:
    """The customers by id, each with the highest version that was seen of it. A purged one stays as an empty row."""

    def __init__(self, path: str) -> None:
        self._database = sqlite3.connect(path)
        self._database.executescript("""
            CREATE TABLE IF NOT EXISTS customers (id INTEGER PRIMARY KEY, version INTEGER NOT NULL, document TEXT);
            CREATE TABLE IF NOT EXISTS complete (since TEXT NOT NULL);
        """)

    @property
    def complete(self) -> bool:
        return self._database.execute("SELECT 1 FROM complete").fetchone() is not None

    def fill(self, crm: Crm) -> None:
        """Take over all customers there are, in one transaction: after a failure it begins anew."""
        with self._database:
            # Archived ones are left out of a list unless it asks for them.
            for wanted in ({"archived_at[is_null]": "true"}, {"archived_at[is_null]": "false"}):
                with crm.ask("GET", "/customers/export.jsonl", params=wanted, stream=True) as answer:
                    for line in answer.iter_lines():
                        customer = json.loads(line)
                        self._save(customer["id"], customer["version"], customer)
            self._database.execute("INSERT INTO complete VALUES (datetime())")

    def apply(self, event: dict[str, Any]) -> None:
        """Take over what an event tells, and commit."""
        if event["type"] not in EVENTS:
            return  # Of a later release, perhaps: whoever does not know it may pass it over.
        number = int(event["subject"].partition("/")[2])
        with self._database:
            self._save(number, event["aggregateversion"], event["data"]["after"])

    def _save(self, number: int, version: int, document: dict[str, Any] | None) -> None:
        # The same event may come twice, and after a failure an older one later: the higher version always wins.
        self._database.execute(
            """
            INSERT INTO customers VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
            SET version = excluded.version, document = excluded.document WHERE excluded.version > customers.version
            """,
            (number, version, document and json.dumps(document)),
        )


def follow(copy: Copy, url: str, queue: str, idle: float | None) -> None:
    """Apply each event and acknowledge it after the commit: what was not acknowledged comes again."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.basic_qos(prefetch_count=PREFETCH)
    for method, _, body in channel.consume(queue, inactivity_timeout=idle):
        if method is None:
            break
        try:
            copy.apply(json.loads(body))
        except (ValueError, KeyError, TypeError):
            # No retry will mend it: into the queue of dead letters, where somebody looks at it.
            log.exception("an event that cannot be read")
            channel.basic_reject(method.delivery_tag, requeue=False)
        else:
            channel.basic_ack(method.delivery_tag)
    connection.close()


def main() -> None:
    """Fill the copy once, then follow until told to stop, through restarts of the broker."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("database")
    parser.add_argument("--idle", type=float, help="end after so many seconds without an event")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.getLogger("pika").setLevel(logging.CRITICAL)
    copy = Copy(options.database)
    if not copy.complete:
        copy.fill(Crm(os.environ["CRM_URL"], os.environ["CRM_API_KEY"]))
        log.info("the copy is complete")
    pause = 1.0
    while True:
        began = time.monotonic()
        try:
            follow(copy, os.environ["EVENTS_URL"], os.environ["EVENTS_QUEUE"], options.idle)
        except (ProbableAuthenticationError, ProbableAccessDeniedError):
            raise SystemExit(
                "the broker refuses EVENTS_URL: the password was changed, or the consumer removed"
            ) from None
        except AMQPConnectionError as error:
            pause = 1.0 if time.monotonic() - began > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            log.warning("the broker is gone (%r), again in %.0f s", error, pause)
            time.sleep(pause)
        else:
            return


if __name__ == "__main__":
    main()
