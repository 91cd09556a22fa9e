"""Contacts: the people at a customer."""

from sqlalchemy import select

from chassis.db.kinds import BOOLEAN, EMAIL, INTEGER, TEXT, TIMESTAMP
from chassis.db.listing import Listing
from chassis.db.records import Records
from customers.events import SOURCE
from customers.models import contacts, customers
from customers.queries.customers import OWN
from customers.views import CONTACT

# Whoever sees a customer sees the people there.
OWN_CONTACTS = (
    select(customers.c.id)
    .where(customers.c.company_id == contacts.c.company_id, customers.c.id == contacts.c.customer_id, OWN)
    .correlate(contacts)
    .exists()
)
RECORDS = Records(CONTACT, source=SOURCE, noun="contact", own=OWN_CONTACTS, part_of="customer_id")

CONTACTS = Listing(
    CONTACT,
    filters={
        "id": INTEGER,
        "customer_id": INTEGER,
        "email": EMAIL,
        "phone_e164": TEXT,
        "is_primary": BOOLEAN,
        "created_by": INTEGER,
        "created_at": TIMESTAMP,
        "archived_at": TIMESTAMP,
    },
    sorts=("created_at",),
    default={"archived_at": contacts.c.archived_at.is_(None)},
    own=OWN_CONTACTS,
    search="search_contacts",
    by_address=True,
)
