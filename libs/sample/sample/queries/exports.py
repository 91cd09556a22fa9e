"""Exports that were taken; the exports themselves are kept nowhere."""

from chassis.db.records import Records
from sample.events import SOURCE
from sample.views import BOOK_EXPORT

BOOK_EXPORTS = Records(BOOK_EXPORT, source=SOURCE, noun="book export")
