"""Events published again: to everybody after a broker was lost, or to one service whose database was restored."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice

import orjson
import psycopg

from chassis import logging
from chassis.broker import topology
from chassis.broker.amqp import Publisher
from chassis.broker.attempts import ROUTING_KEY
from chassis.broker.messages import BrokerUnavailable, Message, Outcome
from chassis.config import Settings, SettingsError, exit_with
from chassis.service import load

TRY_LATER = 75  # sysexits.h: EX_TEMPFAIL
PATIENCE = 10.0
_BATCH = 200
_AGAIN = """
    WITH again AS (DELETE FROM outbox_published WHERE published_at >= %s RETURNING ids)
    INSERT INTO outbox_pending (id, aggregate_type, aggregate_id, occurred_at)
    SELECT id, aggregate_type, aggregate_id, occurred_at FROM outbox WHERE id IN (SELECT unnest(ids) FROM again)
    ON CONFLICT DO NOTHING
"""
# By when they were published: what happened before and was published after is among them.
_PUBLISHED = """
    SELECT event_id::text, routing_key, body FROM outbox WHERE id IN (
        SELECT unnest(ids) FROM outbox_published WHERE published_at >= %s UNION ALL SELECT id FROM outbox_pending
    ) ORDER BY id
"""


class NotConfirmedError(Exception):
    """The broker did not take an event."""


def republish(database_url: str, since: datetime) -> int:
    """Have the relay publish again, to everybody, what it has published since then; answers how many events."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        return connection.execute(_AGAIN, (since,)).rowcount


def published(database_url: str, since: datetime) -> Iterator[bytes]:
    """A line for each event that was published since then, and for those that wait to be."""
    with psycopg.connect(database_url) as connection, connection.cursor(name="published") as cursor:
        for event_id, routing_key, body in cursor.execute(_PUBLISHED, (since,)):
            yield orjson.dumps([event_id, routing_key, bytes(body).decode()]) + b"\n"


def receive(broker_url: str, service: str, lines: Iterable[bytes]) -> int:
    """Send the events of these lines to the service's own queue alone; answers how many there are.

    Its inbox passes over those that it had before. Raises BrokerUnavailable, NotConfirmedError; then do it again.
    """
    sent = 0
    waiting = iter(lines)
    if load(service).subscriptions is None:
        # Who consumes nothing has missed nothing; whoever tells it is heard to the end.
        return sum(0 for _ in waiting)
    with closing(Publisher(broker_url, name=f"{service}.republishing")) as publisher:
        if not publisher.wait_ready(PATIENCE):
            raise BrokerUnavailable("no connection to the broker")
        while batch := [orjson.loads(line) for line in islice(waiting, _BATCH)]:
            messages = [
                Message(
                    exchange=topology.own_exchange(service),
                    routing_key=topology.events_queue(service),
                    body=body.encode(),
                    message_id=event_id,
                    headers={ROUTING_KEY: routing_key},
                )
                for event_id, routing_key, body in batch
            ]
            if set(publisher.publish_batch(messages, PATIENCE)) != {Outcome.CONFIRMED}:
                raise NotConfirmedError("the broker did not confirm all of them")
            sent += len(batch)
    return sent


def main(arguments: Sequence[str]) -> None:
    """`again|published <service> --since TIME`, or `receive <service>` of what `published` of another one prints."""
    parser = argparse.ArgumentParser(prog="python -m chassis.broker.republishing", description=__doc__)
    parser.add_argument("command", choices=("again", "published", "receive"))
    parser.add_argument("service")
    parser.add_argument("--since", type=datetime.fromisoformat, help="RFC 3339, with a zone")
    options = parser.parse_args(arguments)
    if (options.since is None) is not (options.command == "receive"):
        parser.error("--since goes with again and published, which need it")
    logging.to_stderr()
    needed = "broker_url" if options.command == "receive" else "relay_database_url"
    try:
        settings = Settings.from_environment(required=(needed,))
    except SettingsError as error:
        exit_with(error)
    if options.command == "published":
        for line in published(settings.relay_database_url, options.since):
            sys.stdout.buffer.write(line)
        return
    try:
        if options.command == "again":
            count = republish(settings.relay_database_url, options.since)
        else:
            count = receive(settings.broker_url, options.service, sys.stdin.buffer)
    except (BrokerUnavailable, NotConfirmedError) as error:
        sys.stderr.write(f"{error}; do it again\n")
        raise SystemExit(TRY_LATER) from None
    sys.stdout.write(f"{count} events\n")


if __name__ == "__main__":
    main(sys.argv[1:])
