"""Everything that changes a shelf, and what stands on it with it."""

from typing import Any

from chassis.context import current
from chassis.db.records import Record
from chassis.db.session import Session
from sample.events import (
    BOOK_ARCHIVED,
    BOOK_PURGED,
    BOOK_RESTORED,
    SHELF_ARCHIVED,
    SHELF_CREATED,
    SHELF_PURGED,
    SHELF_RESTORED,
    SHELF_UPDATED,
)
from sample.models import USERS
from sample.queries.books import RECORDS as BOOKS
from sample.queries.shelves import RECORDS


def create_shelf(session: Session, values: dict[str, Any]) -> Record:
    """Create a shelf."""
    USERS.ensure_actor(session)
    return RECORDS.create(session, SHELF_CREATED, values | {"created_by": current().user_id})


def update_shelf(session: Session, shelf_id: int, version: int, values: dict[str, Any]) -> Record:
    """Change the given fields of the state that the caller has seen. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, shelf_id, version)
    RECORDS.refuse_archived(before)
    return RECORDS.change(session, SHELF_UPDATED, before, values)


def archive_shelf(session: Session, shelf_id: int, version: int) -> Record:
    """Hide a shelf and its books from lists. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, shelf_id, version)
    return RECORDS.archive(session, SHELF_ARCHIVED, before, parts={BOOKS: BOOK_ARCHIVED})


def restore_shelf(session: Session, shelf_id: int, version: int | None) -> Record:
    """Bring a shelf back, and the books that went with it. Raises NotFound, PreconditionFailed, Conflict."""
    before = RECORDS.expect(session, shelf_id, version)
    return RECORDS.restore(session, SHELF_RESTORED, before, parts={BOOKS: BOOK_RESTORED})


def purge_shelf(session: Session, shelf_id: int, version: int) -> None:
    """Delete a shelf and its books for good. Raises NotFound, PreconditionFailed."""
    before = RECORDS.expect(session, shelf_id, version)
    RECORDS.delete(session, SHELF_PURGED, before, parts={BOOKS: BOOK_PURGED})
