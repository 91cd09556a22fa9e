"""How many open tasks somebody has in each bucket."""

from sqlalchemy import BigInteger, bindparam, func, select

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.models import tasks
from tasks.queries.buckets import OPEN, bucket
from tasks.queries.tasks import OWN
from tasks.rules.due import BUCKETS, Bounds


def _summary(own: bool) -> Prepared:
    counts = (func.count().filter(bucket(name)).label(name) for name in BUCKETS)
    mine = [OWN] if own else []
    return Prepared(
        select(*counts, func.count()).where(
            of_tenant(tasks),
            tasks.c.assigned_to == bindparam("of_user", type_=BigInteger),
            OPEN,
            tasks.c.archived_at.is_(None),
            *mine,
        )
    )


# By whether the caller sees no more than their own.
_SUMMARY = {own: _summary(own) for own in (False, True)}


def count_by_due(session: Session, user_id: int, bounds: Bounds) -> dict[str, int]:
    """The open tasks of a user by bucket, and how many they are in all."""
    own = current().own_only
    row = session.fetch_one(
        _SUMMARY[own],
        of_user=user_id,
        due_now=bounds.now,
        due_tomorrow=bounds.tomorrow,
        due_day_after=bounds.day_after,
        due_next_week=bounds.next_week,
        **({"actor": current().user_id} if own else {}),
    )
    assert row is not None
    return dict(zip((*BUCKETS, "open"), row, strict=True))
