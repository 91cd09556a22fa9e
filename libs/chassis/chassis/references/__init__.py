"""What a service keeps of other services' records: declared once, told by events, asked for where an event is late."""

from chassis.references.companies import CompanyReference
from chassis.references.listening import Saving, handlers
from chassis.references.reference import Reference
from chassis.references.tables import reference_table, tombstones_table
from chassis.references.users import UserReference

__all__ = [
    "CompanyReference",
    "Reference",
    "Saving",
    "UserReference",
    "handlers",
    "reference_table",
    "tombstones_table",
]
