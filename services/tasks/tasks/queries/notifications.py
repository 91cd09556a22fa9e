"""Everything that reads notifications: each user sees their own alone."""

from sqlalchemy import BigInteger, bindparam, func, select

from chassis.context import current
from chassis.db.kinds import TIMESTAMP, choice_of
from chassis.db.listing import Listing, ListQuery
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks import rules
from tasks.models import notifications
from tasks.views import NOTIFICATION

NOTIFICATIONS = Listing(
    NOTIFICATION,
    filters={"kind": choice_of(*rules.NOTIFICATION_KINDS), "created_at": TIMESTAMP, "read_at": TIMESTAMP},
    sorts=("created_at",),
)
_UNREAD = Prepared(
    select(func.count()).where(
        of_tenant(notifications),
        notifications.c.user_id == bindparam("of_user", type_=BigInteger),
        notifications.c.read_at.is_(None),
    )
)


def own(query: ListQuery) -> ListQuery:
    """The same question of the caller's own notifications."""
    return query.where("user_id", current().user_id)


def count_unread(session: Session) -> int:
    """How many notifications the caller has not read."""
    row = session.fetch_one(_UNREAD, of_user=current().user_id)
    return 0 if row is None else int(row[0])
