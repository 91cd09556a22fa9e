"""The routes of imports: those of the library, under this service's address and permission."""

from imports.web.routes import import_blueprint
from pipeline.commands.imports import IMPORTS
from pipeline.schemas.imports import SCHEMAS

blueprint = import_blueprint(
    IMPORTS,
    SCHEMAS,
    name="lead_imports",
    prefix="/v1/leads/imports",
    scope="leads:import",
    description="Leads from files.",
)
