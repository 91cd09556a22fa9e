"""Files of customers and contacts on their way in."""

from customers.models.metadata import metadata
from customers.models.references import USERS
from customers.rules.import_fields import KEYS
from customers.rules.record_types import RECORD_TYPES
from imports.engine.tables import import_tables

IMPORT_TABLES = import_tables(
    "customer",
    metadata,
    USERS,
    match_by=KEYS,
    record_types=RECORD_TYPES,
    within="import",
)
