"""What operators do to the customers service: `python -m customers.operators resync | heal | rekey`."""

import sys

from chassis import rekeying
from chassis.healing import command as healing
from chassis.healing.kinds import kinds_of, views_in
from chassis.references import resync
from chassis.rekeying import Keyed
from customers import events, views
from customers.commands.healing import draw_codes
from customers.commands.pairs import compare_all_again
from customers.models import REFERENCES
from customers.queries.contacts import RECORDS as CONTACTS
from customers.queries.customers import RECORDS as CUSTOMERS
from customers.queries.keys import with_contact_keys, with_customer_keys, with_keys_of_contact

KINDS = kinds_of(events.PUBLISHED, views_in(views), {"customers": with_customer_keys, "contacts": with_contact_keys})

KEYED = (
    Keyed(
        CUSTOMERS,
        events.CUSTOMER_UPDATED,
        ("name", "email", "phone", "country", "website", "customer_type"),
        ("email_norm", "phone_e164", "phone_tail", "domain_norm", "name_norm", "name_two"),
        with_customer_keys,
    ),
    Keyed(
        CONTACTS,
        events.CONTACT_UPDATED,
        ("customer_id", "email", "phone"),
        ("email_norm", "phone_e164"),
        with_keys_of_contact,
    ),
)

if __name__ == "__main__":
    if sys.argv[1:2] == [rekeying.COMMAND]:
        rekeying.main(events.SOURCE, KEYED, sys.argv[2:], then=compare_all_again)
    elif sys.argv[1:2] == [healing.COMMAND]:
        healing.main(events.SOURCE, KINDS, sys.argv[2:], then=draw_codes)
    else:
        resync.main("customers", REFERENCES, sys.argv[1:])
