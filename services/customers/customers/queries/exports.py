"""Exports that were taken."""

from chassis.db.records import Records
from customers.events import SOURCE
from customers.views import CUSTOMER_EXPORT

RECORDS = Records(CUSTOMER_EXPORT, source=SOURCE, noun="customer export")
