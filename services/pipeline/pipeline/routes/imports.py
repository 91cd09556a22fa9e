"""The routes of imports: those of the library, under this service's addresses and permissions."""

from imports.web.routes import import_blueprint
from pipeline.commands.imports import DEAL_IMPORTS, LEAD_IMPORTS
from pipeline.schemas.imports import OF_DEALS, OF_LEADS

of_leads = import_blueprint(
    LEAD_IMPORTS,
    OF_LEADS,
    name="lead_imports",
    prefix="/v1/leads/imports",
    scope="leads:import",
    description="Leads from files.",
)
of_deals = import_blueprint(
    DEAL_IMPORTS,
    OF_DEALS,
    name="deal_imports",
    prefix="/v1/deals/imports",
    scope="deals:import",
    description="Deals from files.",
)
