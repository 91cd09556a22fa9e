"""Saving views, changing them, and what becomes of them when somebody leaves."""

from typing import Any

from chassis.context import current
from chassis.db.locks import lock_name
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict, Forbidden
from identity import events
from identity.queries.saved_views import RECORDS, count_views, expect_view, lock_views_of

SHARE = "views:share"
MOST_OWN = 100
MOST_SHARED = 500


def save_view(session: Session, values: dict[str, Any]) -> Record:
    """Save a view, for the caller or for all. Raises Forbidden, and Conflict for too many or a name that is taken."""
    shared = values.get("shared", False)
    if shared:
        _refuse_sharing()
    _refuse_too_many(session, _caller(), shared=shared)
    return RECORDS.create(session, events.SAVED_VIEW_CREATED, {**values, "user_id": _caller()})


def change_view(session: Session, view_id: int, version: int, values: dict[str, Any]) -> Record:
    """Change a view. What is shared no more is its maker's own, or the caller's where its maker has left.

    Raises NotFound, PreconditionFailed, Forbidden, Conflict.
    """
    before = expect_view(session, view_id, version)
    was = before.document["shared"]
    shared = values.get("shared", was)
    if was or shared:
        _refuse_sharing()
    if shared != was:
        owner = before.document["user_id"] or _caller()
        values = {**values, "user_id": owner}
        _refuse_too_many(session, owner, shared=shared)
    return RECORDS.change(session, events.SAVED_VIEW_UPDATED, before, values)


def delete_view(session: Session, view_id: int, version: int) -> None:
    """Delete a view for good. Raises NotFound, PreconditionFailed, Forbidden."""
    before = expect_view(session, view_id, version)
    if before.document["shared"]:
        _refuse_sharing()
    RECORDS.delete(session, events.SAVED_VIEW_DELETED, before)


def leave_views(session: Session, user_id: int) -> None:
    """Delete what a member who leaves has saved for themselves; what they have shared stays, and is nobody's."""
    views = lock_views_of(session, user_id)
    RECORDS.delete_all(session, events.SAVED_VIEW_DELETED, [each for each in views if not each.document["shared"]])
    for view in views:
        if view.document["shared"]:
            RECORDS.change(session, events.SAVED_VIEW_UPDATED, view, {"user_id": None})


def _refuse_sharing() -> None:
    if SHARE not in current().permissions:
        raise Forbidden("permission_missing", f"A view that is shared needs the permission {SHARE}.")


def _refuse_too_many(session: Session, owner: int, *, shared: bool) -> None:
    """Raise Conflict where there is no room for one more. Of several at once each counts what was before it."""
    lock_name(session, "saved_views:shared" if shared else f"saved_views:{owner}")
    of_all, of_owner = count_views(session, owner)
    if (of_all if shared else of_owner) >= (most := MOST_SHARED if shared else MOST_OWN):
        raise Conflict("too_many_views", f"There are {most} views already; delete one that nobody needs.")


def _caller() -> int:
    user_id = current().user_id
    assert user_id is not None
    return user_id
