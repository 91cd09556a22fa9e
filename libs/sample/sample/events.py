"""Every event that the sample service publishes."""

from chassis.events import EventType

SOURCE = "sample"

SHELF_CREATED = EventType("shelf", "created", table="shelves")
SHELF_UPDATED = EventType("shelf", "updated", table="shelves")
SHELF_ARCHIVED = EventType("shelf", "archived", table="shelves")
SHELF_RESTORED = EventType("shelf", "restored", table="shelves")
SHELF_PURGED = EventType("shelf", "purged", table="shelves")
BOOK_CREATED = EventType("book", "created", table="books")
BOOK_UPDATED = EventType("book", "updated", table="books")
BOOK_ARCHIVED = EventType("book", "archived", table="books")
BOOK_RESTORED = EventType("book", "restored", table="books")
BOOK_PURGED = EventType("book", "purged", table="books")
BOOK_EXPORT_CREATED = EventType("book_export", "created", table="book_exports")
BOOK_TRANSFER_STARTED = EventType("book_transfer", "started", table="book_transfers")
BOOK_TRANSFER_COMPLETED = EventType("book_transfer", "completed", table="book_transfers")

PUBLISHED = (
    SHELF_CREATED,
    SHELF_UPDATED,
    SHELF_ARCHIVED,
    SHELF_RESTORED,
    SHELF_PURGED,
    BOOK_CREATED,
    BOOK_UPDATED,
    BOOK_ARCHIVED,
    BOOK_RESTORED,
    BOOK_PURGED,
    BOOK_EXPORT_CREATED,
    BOOK_TRANSFER_STARTED,
    BOOK_TRANSFER_COMPLETED,
)
