"""The task that an activity asks for: made once, moved with its date while nobody has touched it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from chassis.context import current
from chassis.db.records import Record, Records
from chassis.db.session import Session
from tasks.commands.tasks import cancel_task, change_task, create_task
from tasks.queries.people import Person, find_person
from tasks.queries.tasks import RECORDS
from tasks.rules.activities import follow_up_title, follow_up_type, is_worth_following
from tasks.rules.task_states import is_open
from tasks.rules.zones import local_time, zone_of

# Whoever changes an activity changes its follow-up with it, whether or not they see that.
_ALL = Records(RECORDS.view, source=RECORDS.source, noun=RECORDS.noun)


def make_follow_up(
    session: Session, activity: Mapping[str, Any], person: Person | None, now: datetime
) -> Record | None:
    """The follow-up of an activity that is written already; None where its date asks for none."""
    if person is None or not person.is_active:
        person = find_person(session, current().user_id or 0)
    if person is None or activity["follow_up_date"] is None:
        return None
    due_on = date.fromisoformat(activity["follow_up_date"])
    if not is_worth_following(due_on, local_time(now, zone_of(person.time_zone)).date()):
        return None
    values = {
        "title": follow_up_title(activity["title"]),
        "task_type": follow_up_type(activity["activity_type"]),
        "due_on": due_on,
        "assigned_to": person.id,
        **{name: activity[name] for name in ("customer_id", "lead_id", "deal_id")},
    }
    return create_task(session, values, follow_up_of=activity["id"])


def keep_follow_up(
    session: Session, activity: Mapping[str, Any], follow_up_date: date | None, *, made: bool
) -> dict[str, Any]:
    """Let the follow-up go with a changed date; answers what the activity is to say of it.

    One that was completed, cancelled, archived, moved by hand or purged stays as it is, and there is no second.
    """
    old = activity["follow_up_date"]
    new = None if follow_up_date is None else follow_up_date.isoformat()
    if new == old:
        return {}
    if not made:
        person = find_person(session, activity["user_id"])
        task = make_follow_up(session, {**activity, "follow_up_date": new}, person, datetime.now(UTC))
        return {} if task is None else {"follow_up_task_id": task.id, "follow_up_made": True}
    if activity["follow_up_task_id"] is None:
        return {}
    task = _ALL.get(session, activity["follow_up_task_id"], lock=True)
    document = task.document
    if document["archived_at"] is None and is_open(document["status"]) and document["due_on"] == old:
        if follow_up_date is None:
            cancel_task(session, task)
        else:
            change_task(session, task, {"due_on": follow_up_date})
    return {}
