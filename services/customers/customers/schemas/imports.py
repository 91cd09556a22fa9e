"""What an import looks like on the wire."""

from customers.commands.imports import IMPORTS
from customers.rules.record_types import CONTACT, CUSTOMER, CUSTOMER_AND_CONTACT
from customers.schemas.import_contacts import ContactReader
from customers.schemas.import_people import PeopleReader
from customers.schemas.import_rows import CHOICES, RowReader
from imports.web.schemas import import_schemas

SCHEMAS = import_schemas("CustomerImport", IMPORTS, module=__name__, choices=CHOICES)
# How the rows of each kind of record are read.
READERS = {CUSTOMER: RowReader.of, CONTACT: ContactReader.of, CUSTOMER_AND_CONTACT: PeopleReader.of}
# Contracts are derived from what is called like the record.
CustomerImportOut = SCHEMAS.out
