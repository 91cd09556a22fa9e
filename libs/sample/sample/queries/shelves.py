"""Shelves: which fields a list filters and sorts by, and how one is found."""

from chassis.db.kinds import INTEGER, TEXT, TIMESTAMP
from chassis.db.listing import Listing
from chassis.db.records import Records
from sample.events import SOURCE
from sample.models import shelves
from sample.views import SHELF

SHELVES = Listing(
    SHELF,
    filters={"id": INTEGER, "name": TEXT, "created_by": INTEGER, "created_at": TIMESTAMP, "archived_at": TIMESTAMP},
    sorts=("created_at",),
    default={"archived_at": shelves.c.archived_at.is_(None)},
)

RECORDS = Records(SHELF, source=SOURCE, noun="shelf")
