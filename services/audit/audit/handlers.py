"""Every event of every service becomes a row, a batch at a time; and the months ahead get their partitions."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Event as Flag

from audit import commands
from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.db.session import Database, Session
from chassis.events import Event


def on_events(session: Session, events: Sequence[Event]) -> None:
    """Record the events of a batch."""
    commands.record_events(session, events)


def ensure_partitions(database: Database, _stop: Flag) -> None:
    """Make the partitions of the months ahead, long before the first row needs them."""
    with database.transaction() as session:
        commands.ensure_partitions(session)


SUBSCRIPTIONS = Subscriptions(bindings=("#",), batch=on_events, ingest=True)
SCHEDULES = (Schedule("ensure-partitions", timedelta(days=1), ensure_partitions),)
