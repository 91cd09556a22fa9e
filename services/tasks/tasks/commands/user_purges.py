"""What the service holds of members who were purged."""

from sqlalchemy import BigInteger, Integer, bindparam, literal_column

from chassis.db.bulk import change_many
from chassis.db.record_statements import in_order
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.events import Event
from chassis.purges import BATCH, Deleted, Held, Purge, Purges, next_of
from tasks.commands.neighbours import ALL_SERIES, OF_ACTIVITIES, OF_TASKS
from tasks.commands.notices import notify
from tasks.commands.purging import forget_activity
from tasks.events import ACTIVITY_UPDATED, CALENDAR_FEED_REVOKED, SERIES_UPDATED, TASK_UPDATED
from tasks.models import (
    USERS,
    activities,
    calendar_feeds,
    digests,
    mails,
    notifications,
    reminders,
    task_series,
    user_purges,
    user_settings,
)
from tasks.queries.buckets import OPEN
from tasks.queries.calendar import RECORDS as FEEDS
from tasks.queries.tasks import count_open
from tasks.rules import STATUS_CHANGE
from tasks.views import ACTIVITY, CALENDAR_FEED

_USER = bindparam("of_user", type_=BigInteger)
_ACTIVITIES = Prepared(in_order(ACTIVITY, *next_of(activities, "user_id", literal_column(str(BATCH), Integer))))
_FEED = Prepared(in_order(CALENDAR_FEED, of_tenant(calendar_feeds), calendar_feeds.c.user_id == _USER))


def revoke_feed(session: Session, purge: Purge) -> bool:
    """Take the user's calendar feed away."""
    found = [Record(*row) for row in session.fetch(_FEED, of_user=purge.user_id)]
    FEEDS.delete_all(session, CALENDAR_FEED_REVOKED, found)
    return bool(found)


def forget_activities(session: Session, purge: Purge) -> bool:
    """Delete the next of what the user has logged, if that is wished for; what events have written stays, nameless."""
    if purge.activities == "keep":
        return False
    found = [Record(*row) for row in session.fetch(_ACTIVITIES, of_user=purge.user_id)]
    for activity in found:
        if activity.document["activity_type"] == STATUS_CHANGE:
            change_many(session, OF_ACTIVITIES.records, ACTIVITY_UPDATED, [(activity, {"user_id": None})])
        else:
            forget_activity(session, activity)
    return bool(found)


# Activities that are kept go on naming the former user, and so do the exports.
PURGES = Purges(
    user_purges,
    users=USERS,
    held=(
        # The series first: what follows on a task is for whom the series is.
        Held(ALL_SERIES, SERIES_UPDATED, owner="assigned_to", waits=task_series.c.ended_at.is_(None)),
        # An archived one may be restored, and then somebody has to do it.
        Held(OF_TASKS.records, TASK_UPDATED, owner="assigned_to", waits=OPEN),
    ),
    # Letters before what they are about.
    deleted=tuple(map(Deleted, (mails, reminders, digests, notifications, user_settings))),
    steps=(revoke_feed, forget_activities),
)


class Heirs:
    """Who is to get the tasks of a member who is purged."""

    def start(self, session: Session, event: Event) -> None:
        """Tell the heir once how many open tasks it is, before they are handed on in small steps."""
        heir: int | None = event.data["transfer_to"]
        if heir is None or heir == event.actor or not USERS.active_among(session, (heir,)):
            return
        if count := count_open(session, event.data["before"]["user_id"]):
            said = "task of a former member is" if count == 1 else "tasks of a former member are"
            subject = ("user_companies", event.record_id)
            notify(
                session, heir, "transfer", subject, f"{count} {said} yours", event_id=event.id, details={"moved": count}
            )
