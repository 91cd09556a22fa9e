"""How many open tasks there are in each bucket: of somebody, or of all."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, func, select

from chassis.context import current
from chassis.db.session import Session
from chassis.db.statements import Prepared, of_tenant
from tasks.models import tasks
from tasks.queries.buckets import OPEN, bucket
from tasks.queries.tasks import OWN
from tasks.rules.due import BUCKETS, Bounds


def _counts(*of: ColumnElement[bool], own: bool) -> Prepared:
    counts = (func.count().filter(bucket(name)).label(name) for name in BUCKETS)
    mine = [OWN] if own else []
    return Prepared(
        select(*counts, func.count()).where(of_tenant(tasks), *of, OPEN, tasks.c.archived_at.is_(None), *mine)
    )


_OF_USER = tasks.c.assigned_to == bindparam("of_user", type_=BigInteger)
# By whether the caller sees no more than their own.
_SUMMARY = {own: _counts(_OF_USER, own=own) for own in (False, True)}
_ALL = {own: _counts(own=own) for own in (False, True)}


def count_by_due(session: Session, user_id: int, bounds: Bounds) -> dict[str, int]:
    """The open tasks of a user by bucket, and how many they are in all."""
    row = session.fetch_one(_SUMMARY[current().own_only], of_user=user_id, **_given(bounds))
    assert row is not None
    return dict(zip((*BUCKETS, "open"), row, strict=True))


def count_all_by_due(session: Session, bounds: Bounds) -> list[dict[str, Any]]:
    """The open tasks that the caller may see as a facet: the buckets with their counts, the fullest first."""
    row = session.fetch_one(_ALL[current().own_only], **_given(bounds))
    assert row is not None
    counted = [{"value": name, "count": count} for name, count in zip(BUCKETS, row[:-1], strict=True) if count]
    return sorted(counted, key=lambda entry: -entry["count"])


def _given(bounds: Bounds) -> dict[str, Any]:
    given = {f"due_{name}": getattr(bounds, name) for name in ("now", "tomorrow", "day_after", "next_week")}
    return given | ({"actor": current().user_id} if current().own_only else {})
