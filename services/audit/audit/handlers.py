"""Every event of every service becomes a row, a batch at a time; and the months ahead get their partitions."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from threading import Event as Flag

from audit import commands
from chassis.broker.schedules import Schedule
from chassis.broker.subscriptions import Subscriptions
from chassis.context import acting_as, current
from chassis.db import company_purges
from chassis.db.session import Database, Session
from chassis.events import Event


def on_events(session: Session, events: Sequence[Event]) -> None:
    """Record the events of a batch; a company that was purged loses all its entries but that one."""
    commands.record_events(session, events)
    for event in events:
        if event.type == company_purges.PURGED:
            with acting_as(
                replace(current(), company_id=event.company_id, request_id=event.correlation_id or event.id)
            ):
                company_purges.note_event(session, event)


def ensure_partitions(database: Database, _stop: Flag) -> None:
    """Make the partitions of the months ahead, long before the first row needs them."""
    with database.transaction() as session:
        commands.ensure_partitions(session)


# Every key is tenant, entity, action and version. `#` says the same, and the broker tries it with each part of a key.
SUBSCRIPTIONS = Subscriptions(bindings=("*.*.*.*",), batch=on_events, ingest=True)
SCHEDULES = (Schedule("ensure-partitions", timedelta(days=1), ensure_partitions),)
