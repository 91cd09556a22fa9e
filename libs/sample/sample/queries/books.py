"""Books: which fields a list filters and sorts by, and how one is found."""

from chassis.db.kinds import DECIMAL, INTEGER, LABEL, TEXT, TIMESTAMP, choice_of
from chassis.db.listing import Labels, Listing, of_actor
from chassis.db.records import Records
from sample import rules
from sample.events import SOURCE
from sample.models import book_tags, books
from sample.views import BOOK

# Whose a book is, for those who see no more than their own.
_OWNERS = ("assigned_to", "created_by")
OWN = of_actor(books, _OWNERS)

BOOKS = Listing(
    BOOK,
    filters={
        "id": INTEGER,
        "shelf_id": INTEGER,
        "title": TEXT,
        "shelf_mark": TEXT,
        "status": choice_of(*rules.STATUSES),
        "price": DECIMAL,
        "tag": LABEL,
        "author_id": INTEGER,
        "assigned_to": INTEGER,
        "created_by": INTEGER,
        "created_at": TIMESTAMP,
        "updated_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
    },
    sorts=("created_at", "updated_at", "title", "shelf_mark", "status", "assigned_to"),
    grouped=("status", "assigned_to"),
    alphabetical=("title",),
    labels={"tag": Labels(book_tags, "tag", "book_id")},
    default={"archived_at": books.c.archived_at.is_(None)},
    own=OWN,
    own_columns=_OWNERS,
)

RECORDS = Records(BOOK, source=SOURCE, noun="book", own=OWN, part_of="shelf_id")
