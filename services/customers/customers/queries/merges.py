"""Merges that were made."""

from chassis.db.json_view import JsonView
from chassis.db.listing import INTEGER, TIMESTAMP, Listing, of_actor
from chassis.db.records import Records
from customers.events import SOURCE
from customers.models import merges

_OUTSIDE = (
    "id",
    "company_id",
    "version",
    "customer_id",
    "sources",
    "created_by",
    "undone_at",
    "created_at",
    "updated_at",
)
MERGE = JsonView(merges, _OUTSIDE)
_OWN = of_actor(merges, ("created_by",))
RECORDS = Records(MERGE, source=SOURCE, noun="merge", own=_OWN)

MERGES = Listing(
    MERGE,
    filters={"customer_id": INTEGER, "created_by": INTEGER, "created_at": TIMESTAMP, "undone_at": TIMESTAMP},
    sorts=("created_at",),
    own=_OWN,
)
