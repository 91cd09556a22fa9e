"""Files of leads and of deals on their way in."""

from imports.engine.tables import import_tables
from pipeline.models.metadata import metadata
from pipeline.models.references import USERS
from pipeline.rules import deal_import_fields, import_fields

LEAD_IMPORTS = import_tables("lead", metadata, USERS, match_by=import_fields.KEYS, record_types=("lead",))
DEAL_IMPORTS = import_tables("deal", metadata, USERS, match_by=deal_import_fields.KEYS, record_types=("deal",))
