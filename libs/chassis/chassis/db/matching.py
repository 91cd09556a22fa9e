"""Many records named by a filter or by their ids, locked in one order, so that who changes them waits in no circle."""

from collections.abc import Iterable

from chassis.db.bulk import lock_many
from chassis.db.listing import Listing, ListQuery, Shape
from chassis.db.pages import lock_ids
from chassis.db.records import Record, Records
from chassis.db.session import Session
from chassis.errors import FieldError, Invalid

MOST_CHANGED = 2000
# What they are before the change, as text: all of it is held until the last is changed.
MOST_BYTES_CHANGED = 32 * 1024 * 1024
_PORTION = 200


def lock_matching(session: Session, listing: Listing, records: Records, query: ListQuery) -> list[Record]:
    """The records that `query` finds, locked, in the order of their ids.

    Raises Invalid for over MOST_CHANGED, and where they are longer than MOST_BYTES_CHANGED.
    """
    ids = lock_ids(session, listing, query, MOST_CHANGED + 1)
    if len(ids) > MOST_CHANGED:
        detail = f"The filter finds more than {MOST_CHANGED} {listing.nouns}; narrow it."
        raise Invalid("too_many_records", detail, (FieldError("/filter", "too_many_records", detail),))
    found: list[Record] = []
    size = 0
    for first in range(0, len(ids), _PORTION):
        portion = lock_many(session, records, ids[first : first + _PORTION]).values()
        found += portion
        size += sum(len(record.json) for record in portion)
        if size > MOST_BYTES_CHANGED:
            detail = f"The {listing.nouns} that the filter finds are too long to change at once; narrow it."
            raise Invalid("too_many_records", detail, (FieldError("/filter", "too_many_records", detail),))
    return found


def lock_named(session: Session, listing: Listing, ids: Iterable[int]) -> None:
    """Lock those of these records that the list shows to the actor, so none that is archived, in order of their ids.

    Two who change the same ones in orders of their own then wait for each other, and not in a circle.
    """
    wanted = sorted(set(ids))
    if wanted:
        shape = Shape(None, (("id", "in"),), listing.default_sort, len(wanted), after=False)
        lock_ids(session, listing, ListQuery(shape, (wanted,)), len(wanted))
