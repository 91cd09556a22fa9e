"""Everything that reads tasks; always of one tenant."""

from sqlalchemy import BigInteger, bindparam, func, select

from chassis.db.kinds import DATE, INTEGER, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Listing, of_actor
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks import rules
from tasks.events import SOURCE
from tasks.models import tasks
from tasks.queries.buckets import OPEN, WORDS
from tasks.views import TASK

# Whose a task is, for those who see no more than their own.
_OWNERS = ("assigned_to", "created_by")
OWN = of_actor(tasks, _OWNERS)

TASKS = Listing(
    TASK,
    filters={
        "id": INTEGER,
        "title": TEXT,
        "task_type": choice_of(*rules.TASK_TYPES),
        "priority": choice_of(*rules.PRIORITIES),
        "status": choice_of(*rules.STATUSES),
        "due_date": TIMESTAMP,
        "due_on": DATE,
        "remind_at": TIMESTAMP,
        "completed_at": TIMESTAMP,
        "customer_id": INTEGER,
        "lead_id": INTEGER,
        "deal_id": INTEGER,
        "assigned_to": INTEGER,
        "created_by": INTEGER,
        "series_id": INTEGER,
        "follow_up_of": INTEGER,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
    },
    sorts=("due_date", "created_at", "updated_at", "completed_at", "status", "assigned_to", "priority"),
    grouped=("status", "assigned_to", "priority_rank"),
    ranks={"priority": "priority_rank"},
    words=WORDS,
    options=("time_zone",),
    default={"archived_at": tasks.c.archived_at.is_(None)},
    own=OWN,
    own_columns=_OWNERS,
    search="search_tasks",
)

RECORDS = Records(TASK, source=SOURCE, noun="task", own=OWN)


_COUNT_OPEN = Prepared(
    select(func.count()).where(
        of_tenant(tasks),
        tasks.c.assigned_to == bindparam("of_user", type_=BigInteger),
        OPEN,
        tasks.c.archived_at.is_(None),
    )
)


def count_open(session: Session, user_id: int) -> int:
    """How many tasks wait for a user, archived ones left out."""
    count: int = session.fetch(_COUNT_OPEN, of_user=user_id)[0][0]
    return count


def get_task(session: Session, task_id: int, *, lock: bool = False) -> Record:
    """The task, archived or not; with `lock` until the transaction ends. Raises NotFound."""
    return RECORDS.get(session, task_id, lock=lock)
