"""What imports look like on the wire."""

from imports.web.schemas import import_schemas
from pipeline.commands.imports import DEAL_IMPORTS, LEAD_IMPORTS
from pipeline.schemas import import_deals, import_rows

OF_LEADS = import_schemas("LeadImport", LEAD_IMPORTS, module=__name__, choices=import_rows.CHOICES)
OF_DEALS = import_schemas("DealImport", DEAL_IMPORTS, module=__name__, choices=import_deals.CHOICES)
# Contracts are derived from what is called like the record.
LeadImportOut = OF_LEADS.out
DealImportOut = OF_DEALS.out
