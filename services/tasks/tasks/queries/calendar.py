"""Calendar feeds, and the tasks that one shows."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    DateTime,
    Integer,
    LargeBinary,
    String,
    any_,
    bindparam,
    column,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.context import current
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.events import SOURCE
from tasks.models import calendar_feeds, tasks
from tasks.queries.buckets import OPEN
from tasks.rules import TASK_TYPES
from tasks.rules.calendar import AHEAD, DONE, LONGEST_DESCRIPTION, MOST_ENTRIES, PAST, Entry
from tasks.views import CALENDAR_FEED

RECORDS = Records(CALENDAR_FEED, source=SOURCE, noun="feed")
_OWN = (of_tenant(calendar_feeds), calendar_feeds.c.user_id == bindparam("of_user", type_=BigInteger))
_FIND = {lock: Prepared(CALENDAR_FEED.one(*_OWN, lock=lock)) for lock in (False, True)}


class Asked(NamedTuple):
    """The feed of a token: whose it is, what it shows, and how often it was asked for in this hour."""

    company_id: int
    user_id: int
    shown_as: str
    include: Mapping[str, Any]
    asked: int
    seconds_left: int


# Without a tenant yet: see the function in migration 0003. It answers nothing for whoever may see nothing.
_ASK = Prepared(
    select(
        column("company_id", BigInteger),
        column("user_id", BigInteger),
        column("as", String),
        column("include", JSONB),
        column("asked", Integer),
        column("seconds_left", Integer),
    ).select_from(
        func.ask_for_feed(bindparam("of_hash", type_=LargeBinary)).table_valued(
            "company_id", "user_id", "as", "include", "asked", "seconds_left"
        )
    ),
    writes=True,
)


def _instant(name: str) -> Any:
    return bindparam(name, type_=DateTime(timezone=True))


_shown = (
    tasks.c.id,
    tasks.c.version,
    tasks.c.title,
    # No more of it than is shown, and what tells that there is more: whole, 2,000 of them fill a process's memory.
    func.left(tasks.c.description, LONGEST_DESCRIPTION + 1),
    tasks.c.priority,
    tasks.c.status,
    tasks.c.due_date,
    tasks.c.due_on,
    tasks.c.completed_at,
    tasks.c.updated_at,
)
_MINE = (
    of_tenant(tasks),
    tasks.c.assigned_to == bindparam("of_user", type_=BigInteger),
    tasks.c.archived_at.is_(None),
    tasks.c.due_date.between(_instant("since"), _instant("until")),
    tasks.c.task_type == any_(bindparam("of_types", type_=ARRAY(String))),
)
_MOST = literal(MOST_ENTRIES)
_TO_DO = Prepared(select(*_shown).where(*_MINE, OPEN).order_by(tasks.c.due_date, tasks.c.id).limit(_MOST))
_DONE = Prepared(
    select(*_shown)
    .where(*_MINE, tasks.c.status == "completed", tasks.c.completed_at > _instant("done_since"))
    .order_by(tasks.c.completed_at.desc(), tasks.c.id)
    .limit(_MOST)
)


def find_feed(session: Session, *, lock: bool = False) -> Record | None:
    """The caller's feed; None where there is none."""
    if lock:
        session.begin()
    row = session.fetch_one(_FIND[lock], of_user=current().user_id)
    return None if row is None else Record(*row)


def ask(session: Session, token_hash: bytes) -> Asked | None:
    """The feed of a token, which counts as asked for; None for whatever reason there is nothing to see."""
    row = session.fetch_one(_ASK, of_hash=token_hash)
    return None if row is None else Asked(*row)


def list_entries(session: Session, asked: Asked, now: datetime) -> list[Entry]:
    """The tasks that a feed shows now: what is to be done first, in the order of their due dates."""
    parameters = {
        "of_user": asked.user_id,
        "since": now - PAST,
        "until": now + AHEAD,
        "of_types": list(asked.include.get("task_types") or TASK_TYPES),
    }
    rows = session.fetch(_TO_DO, **parameters)
    if asked.include.get("completed", True) and len(rows) < MOST_ENTRIES:
        rows += session.fetch(_DONE, **parameters, done_since=now - DONE)
    return [Entry(*row) for row in rows[:MOST_ENTRIES]]
