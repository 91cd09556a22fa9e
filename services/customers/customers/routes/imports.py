"""The routes of imports: those of the library, under this service's address and permission."""

from customers.commands.imports import IMPORTS
from customers.schemas.imports import SCHEMAS
from imports.web.routes import import_blueprint

blueprint = import_blueprint(
    IMPORTS,
    SCHEMAS,
    name="imports",
    prefix="/v1/customers/imports",
    scope="customers:import",
    description="Customers and contacts from files.",
)
