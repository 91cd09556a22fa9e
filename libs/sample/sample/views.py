"""The records of the sample service as the outside sees them: answered, published and audited."""

from chassis.db.json_view import JsonView
from chassis.transfers import transfer_view
from sample.models import book_exports, book_transfers, books, shelves

SHELF = JsonView(
    shelves, ("id", "company_id", "version", "name", "room", "created_by", "created_at", "updated_at", "archived_at")
)

BOOK = JsonView(
    books,
    (
        "id",
        "company_id",
        "version",
        "shelf_id",
        "title",
        "shelf_mark",
        "status",
        "price",
        "notes",
        "tags",
        "author_id",
        "assigned_to",
        "created_by",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

BOOK_EXPORT = JsonView(
    book_exports, ("id", "company_id", "version", "format", "query", "created_by", "created_at", "updated_at")
)
BOOK_TRANSFER = transfer_view(book_transfers)
