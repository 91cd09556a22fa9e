"""What an import looks like on the wire."""

from imports.web.schemas import import_schemas
from pipeline.commands.imports import IMPORTS
from pipeline.schemas.import_rows import CHOICES

SCHEMAS = import_schemas("LeadImport", IMPORTS, module=__name__, choices=CHOICES)
# Contracts are derived from what is called like the record.
LeadImportOut = SCHEMAS.out
