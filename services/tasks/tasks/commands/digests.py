"""Digests: begun at their time by each user's wall clock, one for a user and a local day."""

from datetime import UTC, date, datetime, time
from threading import Event as Flag
from typing import Any

import structlog
from sqlalchemy import Date as SqlDate
from sqlalchemy import Integer, String, Time, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert

from chassis import events
from chassis.context import Context, acting_as
from chassis.db.session import Database, Session
from chassis.db.statements import Prepared, named_values
from tasks.commands.letters import post_digest
from tasks.models import digests
from tasks.rules.digests import due_dates
from tasks.rules.zones import zone_names, zone_of

BATCH = 500

# The functions of migration 0003: the worker has no tenant when it looks for work.
_TIMES = Prepared(
    select(column("time_zone", String), column("digest_at", Time)).select_from(
        func.digest_times().table_valued("time_zone", "digest_at")
    )
)
_DUE = Prepared(
    select(column("company_id"), column("user_id")).select_from(
        func.due_digests(
            bindparam("of_zone", type_=String),
            bindparam("of_time", type_=Time),
            bindparam("of_date", type_=SqlDate),
            bindparam("most", type_=Integer),
        ).table_valued("company_id", "user_id")
    )
)
_BEGIN = Prepared(
    insert(digests)
    .values(named_values(digests, ("user_id", "local_date", "due_at")))
    .on_conflict_do_nothing()
    .returning(digests.c.id)
)
_PURGE = Prepared(select(func.purge_old_digests(bindparam("most", type_=Integer))), writes=True)

log = structlog.get_logger()


def begin_digests(database: Database, stop: Flag, now: datetime | None = None) -> int:
    """Begin every digest that is due and was not yet; answers how many letters were posted.

    Each in a transaction of its own: whoever dies in between has begun some, and the others are begun by the next one.
    """
    now = now or datetime.now(UTC)
    with database.session() as session:
        times = session.fetch(_TIMES)
    posted = 0
    for zone, digest_at in times:
        if zone not in zone_names():  # A zone of the company's that the data has lost.
            continue
        for day, due_at in due_dates(now, zone_of(zone), digest_at):
            posted += _begin_all(database, stop, (zone, digest_at, day), due_at)
    return posted


def _begin_all(database: Database, stop: Flag, of: tuple[str, time, date], due_at: datetime) -> int:
    zone, digest_at, day = of
    posted, more, seen = 0, True, set[tuple[Any, ...]]()
    while more and not stop.is_set():
        with database.session() as session:
            found = session.fetch(_DUE, of_zone=zone, of_time=digest_at, of_date=day, most=BATCH)
        # One that fails is found again; it is tried anew in the next turn and holds up no other.
        new = [who for who in found if who not in seen]
        seen.update(new)
        more = bool(new)
        for company_id, user_id in new:
            with acting_as(Context(company_id=company_id, request_id=events.new_id())):
                try:
                    with database.transaction() as session:
                        posted += begin_digest(session, user_id, day, due_at)
                except Exception:
                    log.exception("digest failed", user_id=user_id)
    return posted


def begin_digest(session: Session, user_id: int, local_date: date, due_at: datetime) -> bool:
    """Begin a user's digest of a local day, unless somebody has; whether a letter was posted."""
    session.begin()
    row = session.fetch_one(_BEGIN, user_id=user_id, local_date=local_date, due_at=due_at)
    return row is not None and post_digest(session, digest_id=row[0], user_id=user_id)


def forget_digests(database: Database, stop: Flag) -> None:
    """Forget after 30 days which digests there were, in small transactions."""
    gone = BATCH
    while gone >= BATCH and not stop.wait(0.05):  # The service's own work goes first.
        with database.transaction() as session:
            gone = session.fetch(_PURGE, most=BATCH)[0][0]
