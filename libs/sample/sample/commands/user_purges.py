"""What the service holds of members who were purged."""

from chassis.purges import Held, Purges
from sample.events import BOOK_UPDATED, SHELF_UPDATED
from sample.models import USERS, user_purges
from sample.queries.books import RECORDS as BOOKS
from sample.queries.shelves import RECORDS as SHELVES

# Exports and transfers go on naming the former user: they say who did something, and change no more.
PURGES = Purges(
    user_purges, users=USERS, held=(Held(BOOKS, BOOK_UPDATED, owner="assigned_to"), Held(SHELVES, SHELF_UPDATED))
)
