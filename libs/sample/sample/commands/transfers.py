"""Books of somebody who was deactivated, handed over to others."""

from chassis.transfers import Transfers
from sample.commands.books import reassign_book
from sample.events import BOOK_TRANSFER_COMPLETED, BOOK_TRANSFER_STARTED, SOURCE
from sample.models import USERS, books
from sample.views import BOOK_TRANSFER

TRANSFERS = Transfers(
    BOOK_TRANSFER,
    users=USERS,
    kind="books",
    owner=books.c.assigned_to,
    rows=(books.c.archived_at.is_(None),),
    reassign=reassign_book,
    source=SOURCE,
    started=BOOK_TRANSFER_STARTED,
    completed=BOOK_TRANSFER_COMPLETED,
)
