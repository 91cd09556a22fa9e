"""Exports that were taken."""

from chassis.db.json_view import JsonView
from chassis.db.records import Records
from customers.events import SOURCE
from customers.models import exports

EXPORT = JsonView(exports, ("id", "company_id", "version", "format", "query", "created_by", "created_at", "updated_at"))
RECORDS = Records(EXPORT, source=SOURCE, noun="export")
