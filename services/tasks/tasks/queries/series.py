"""Everything that reads series of recurring tasks; always of one tenant."""

from sqlalchemy import BigInteger, Text, bindparam, exists, select

from chassis.db.kinds import INTEGER, TIMESTAMP
from chassis.db.listing import Listing, of_actor
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.events import SOURCE
from tasks.models import task_series, tasks
from tasks.queries.buckets import OPEN
from tasks.views import TASK_SERIES

_OWNERS = ("assigned_to", "created_by")
OWN = of_actor(task_series, _OWNERS)
ALL_SERIES = Listing(
    TASK_SERIES,
    filters={
        "customer_id": INTEGER,
        "lead_id": INTEGER,
        "deal_id": INTEGER,
        "assigned_to": INTEGER,
        "created_by": INTEGER,
        "created_at": TIMESTAMP,
        "ended_at": TIMESTAMP,
    },
    sorts=("created_at",),
    own=OWN,
    own_columns=_OWNERS,
)
RECORDS = Records(TASK_SERIES, source=SOURCE, noun="task series", own=OWN)

_SERIES_ID = bindparam("of_series", type_=BigInteger)
_MADE = Prepared(select(task_series.c.made).where(of_tenant(task_series), task_series.c.id == _SERIES_ID))
_HAS_LATER = Prepared(
    select(
        exists().where(
            of_tenant(tasks),
            tasks.c.series_id == _SERIES_ID,
            # ISO 8601 in byte order is the order of time.
            tasks.c.occurrence.collate("C") > bindparam("occurrence", type_=Text),
        )
    )
)
_OPEN_ONES = Prepared(
    select(tasks.c.id)
    .where(of_tenant(tasks), tasks.c.series_id == _SERIES_ID, OPEN, tasks.c.archived_at.is_(None))
    .order_by(tasks.c.id)
)


def get_series(session: Session, series_id: int) -> Record:
    """The series, ended or not. Raises NotFound."""
    return RECORDS.get(session, series_id)


def has_later_occurrence(session: Session, series_id: int, occurrence: str) -> bool:
    """Whether the occurrence after this one was made already."""
    row = session.fetch_one(_HAS_LATER, of_series=series_id, occurrence=occurrence)
    return bool(row and row[0])


def count_made(session: Session, series_id: int) -> int:
    """How many occurrences a series has had."""
    row = session.fetch_one(_MADE, of_series=series_id)
    return 0 if row is None else int(row[0])


def list_open_occurrences(session: Session, series_id: int) -> list[int]:
    """The ids of the open tasks of a series."""
    return [row[0] for row in session.fetch(_OPEN_ONES, of_series=series_id)]
