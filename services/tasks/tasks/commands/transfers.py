"""Open tasks of somebody who was deactivated, handed over to others."""

from datetime import UTC, datetime

from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.transfers import Transfers
from tasks.commands.notices import notify
from tasks.commands.tasks import keep_reminders
from tasks.events import SERIES_UPDATED, SOURCE, TASK_TRANSFER_COMPLETED, TASK_TRANSFER_STARTED, TASK_UPDATED
from tasks.models import USERS, tasks
from tasks.queries.buckets import OPEN
from tasks.queries.series import RECORDS as SERIES
from tasks.queries.tasks import RECORDS
from tasks.views import TASK_TRANSFER

_ALL = Records(RECORDS.view, source=SOURCE, noun=RECORDS.noun)
_ALL_SERIES = Records(SERIES.view, source=SOURCE, noun=SERIES.noun)


def reassign_task(session: Session, task_id: int, user_id: int) -> Record:
    """Give a task to an active user, on behalf of whoever decided that, and its series with it. Raises NotFound."""
    before = _ALL.get(session, task_id, lock=True)
    owner, series_id = before.document["assigned_to"], before.document["series_id"]
    if series_id is not None:
        series = _ALL_SERIES.get(session, series_id, lock=True)
        if series.document["ended_at"] is None and series.document["assigned_to"] == owner:
            _ALL_SERIES.change(session, SERIES_UPDATED, series, {"assigned_to": user_id})
    after = _ALL.change(session, TASK_UPDATED, before, {"assigned_to": user_id})
    keep_reminders(session, after.document, datetime.now(UTC))
    return after


def tell_targets(session: Session, transfer_id: int, targets: list[int], moved: int, event_id: str) -> None:
    """Tell those who got the tasks of somebody how many are theirs, once for all of these."""
    active = USERS.active_among(session, targets)
    in_turn = active == set(targets)
    for place, user_id in enumerate(targets):
        # In turn, as they were handed over; where somebody has left meanwhile, others had their turns.
        count = (moved + len(targets) - 1 - place) // len(targets) if in_turn else moved
        if count == 0 or user_id not in active:
            continue
        noun = "1 task of a colleague" if count == 1 else f"{count} tasks of a colleague"
        verb = "is" if count == 1 else "are"
        title = f"{noun} {verb} yours" if in_turn else f"{noun} {verb} somebody else's, some of them yours"
        subject = ("task_transfers", transfer_id)
        notify(session, user_id, "transfer", subject, title, event_id=event_id, details={"moved": count})


TRANSFERS = Transfers(
    TASK_TRANSFER,
    users=USERS,
    kind="tasks",
    owner=tasks.c.assigned_to,
    # Those that are done keep whoever did them.
    rows=(OPEN, tasks.c.archived_at.is_(None)),
    reassign=reassign_task,
    source=SOURCE,
    started=TASK_TRANSFER_STARTED,
    completed=TASK_TRANSFER_COMPLETED,
)
