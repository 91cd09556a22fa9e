"""Files of leads on their way in."""

from imports.engine.tables import import_tables
from pipeline.models.metadata import metadata
from pipeline.models.references import USERS
from pipeline.rules.import_fields import KEYS

LEAD_IMPORTS = import_tables("lead", metadata, USERS, match_by=KEYS, record_types=("lead",))
