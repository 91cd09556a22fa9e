"""Marking notifications as read, and letting old ones go."""

from sqlalchemy import BigInteger, Integer, bindparam, func, select, update

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from chassis.errors import NotFound
from tasks.models import notifications

_OWN = (of_tenant(notifications), notifications.c.user_id == bindparam("of_user", type_=BigInteger))
_unread = update(notifications).values(read_at=func.coalesce(notifications.c.read_at, func.now()))
_READ = Prepared(_unread.where(*_OWN, notifications.c.id == bindparam("of_id", type_=BigInteger)))
_READ_ALL = Prepared(
    update(notifications)
    .values(read_at=func.now())
    .where(*_OWN, notifications.c.read_at.is_(None), notifications.c.id <= bindparam("up_to", type_=BigInteger))
)
_FORGET = Prepared(select(func.purge_old_notifications(bindparam("most", type_=Integer))), writes=True)


def read(session: Session, notification_id: int) -> None:
    """Mark one of the caller's notifications as read. Raises NotFound."""
    if not session.run(_READ, of_user=current().user_id, of_id=notification_id):
        raise NotFound("notification_not_found", "There is no such notification.")


def read_all(session: Session, up_to_id: int) -> int:
    """Mark what the caller has seen as read, and nothing newer; answers how many that are."""
    return session.run(_READ_ALL, of_user=current().user_id, up_to=up_to_id)


def forget_old(session: Session, most: int) -> int:
    """Delete notifications of all tenants that are past their keeping time; answers how many."""
    row = session.fetch_one(_FORGET, most=most)
    return 0 if row is None else int(row[0])
