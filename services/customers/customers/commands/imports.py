"""The imports of customers, of contacts and of both: what the engine of imports is to know of them."""

from customers.commands.import_contacts import ContactTarget
from customers.commands.import_people import PeopleTarget
from customers.commands.import_rows import CustomerTarget
from customers.events import (
    CUSTOMER_IMPORT_CANCELLED,
    CUSTOMER_IMPORT_COMPLETED,
    CUSTOMER_IMPORT_CREATED,
    CUSTOMER_IMPORT_FAILED,
    CUSTOMER_IMPORT_REVERT_STARTED,
    CUSTOMER_IMPORT_REVERTED,
    CUSTOMER_IMPORT_STARTED,
    CUSTOMER_IMPORT_UPDATED,
    SOURCE,
)
from customers.models import IMPORT_TABLES, USERS
from customers.rules.record_types import CONTACT, CUSTOMER, CUSTOMER_AND_CONTACT, record_type_of
from customers.views import CUSTOMER_IMPORT
from imports.engine.definition import Imports
from imports.engine.events import ImportEvents

IMPORTS = Imports(
    IMPORT_TABLES,
    CUSTOMER_IMPORT,
    source=SOURCE,
    noun="customer import",
    events=ImportEvents(
        created=CUSTOMER_IMPORT_CREATED,
        updated=CUSTOMER_IMPORT_UPDATED,
        started=CUSTOMER_IMPORT_STARTED,
        completed=CUSTOMER_IMPORT_COMPLETED,
        failed=CUSTOMER_IMPORT_FAILED,
        cancelled=CUSTOMER_IMPORT_CANCELLED,
        revert_started=CUSTOMER_IMPORT_REVERT_STARTED,
        reverted=CUSTOMER_IMPORT_REVERTED,
    ),
    users=USERS,
    targets={CUSTOMER: CustomerTarget(), CONTACT: ContactTarget(), CUSTOMER_AND_CONTACT: PeopleTarget()},
    record_type_of=record_type_of,
)
