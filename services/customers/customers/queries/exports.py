"""Exports that were taken."""

from chassis.db.records import Records
from customers.events import SOURCE
from customers.views import EXPORT

RECORDS = Records(EXPORT, source=SOURCE, noun="export")
