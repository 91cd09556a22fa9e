"""Everything that changes a book, and the event that each change records."""

from typing import Any

from chassis.context import current
from chassis.db.bulk import lock_many
from chassis.db.records import Record
from chassis.db.session import Session
from chassis.errors import Conflict, FieldError, Invalid
from sample.events import BOOK_ARCHIVED, BOOK_CREATED, BOOK_PURGED, BOOK_RESTORED, BOOK_UPDATED
from sample.models import AUTHORS, USERS
from sample.queries.books import RECORDS
from sample.queries.shelves import RECORDS as SHELVES
from sample.rules import refuse_lending_lost


def create_book(session: Session, values: dict[str, Any]) -> Record:
    """Put a book on a live shelf. Raises Invalid, Conflict, UnknownReference."""
    _require_live_shelf(session, values["shelf_id"])
    _check_links(session, values, {})
    USERS.ensure_actor(session)
    return RECORDS.create(session, BOOK_CREATED, values | {"created_by": current().user_id})


def change_book(session: Session, before: Record, values: dict[str, Any]) -> Record:
    """Change the given fields of a locked book. Raises Conflict, Invalid, UnknownReference."""
    RECORDS.refuse_archived(before)
    refuse_lending_lost(before.document["status"], values.get("status", before.document["status"]))
    _check_links(session, values, before.document)
    return RECORDS.change(session, BOOK_UPDATED, before, values)


def reassign_book(session: Session, book_id: int, user_id: int) -> Record:
    """Give a book to an active user, on behalf of whoever decided that. Raises NotFound."""
    return RECORDS.change(session, BOOK_UPDATED, RECORDS.get(session, book_id, lock=True), {"assigned_to": user_id})


def archive_book(session: Session, book_id: int, version: int) -> Record:
    """Hide a book from lists. Raises NotFound, PreconditionFailed, Conflict."""
    return RECORDS.archive(session, BOOK_ARCHIVED, RECORDS.expect(session, book_id, version))


def restore_book(session: Session, book_id: int, version: int | None) -> Record:
    """Bring back a book of a live shelf. Raises NotFound, PreconditionFailed, Conflict."""
    # The shelf first, as where it is archived, so that the two never wait for each other in a circle.
    _require_live_shelf(session, RECORDS.get(session, book_id).document["shelf_id"])
    return RECORDS.restore(session, BOOK_RESTORED, RECORDS.expect(session, book_id, version))


def purge_book(session: Session, book_id: int, version: int) -> None:
    """Delete a book for good. Raises NotFound, PreconditionFailed."""
    RECORDS.delete(session, BOOK_PURGED, RECORDS.expect(session, book_id, version))


def _require_live_shelf(session: Session, shelf_id: int) -> None:
    shelf = lock_many(session, SHELVES, [shelf_id]).get(shelf_id)
    if shelf is None:
        detail = "There is no such shelf in this company."
        raise Invalid("unknown_shelf", detail, (FieldError("/shelf_id", "unknown_reference", detail),))
    SHELVES.refuse_archived(shelf)


def _check_links(session: Session, values: dict[str, Any], before: dict[str, Any]) -> None:
    """Hold what is newly named of other services: who is given work is active, and an author is not archived."""
    if values.get("assigned_to") != before.get("assigned_to"):
        USERS.refuse_inactive(session, values.get("assigned_to"))
    author_id = values.get("author_id")
    if author_id not in (None, before.get("author_id")):
        author = AUTHORS.require(session, author_id, pointer="/author_id")
        if author["archived_at"] is not None:
            raise Conflict("author_archived", f"Author {author_id} is archived.")
