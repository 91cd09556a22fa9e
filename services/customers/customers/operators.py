"""What operators do to the customers service: `python -m customers.operators resync | heal`."""

import sys

from chassis.healing import command as healing
from chassis.healing.kinds import kinds_of, views_in
from chassis.references import resync
from customers import events, views
from customers.commands.healing import draw_codes
from customers.models import REFERENCES
from customers.queries.keys import with_contact_keys, with_customer_keys

KINDS = kinds_of(events.PUBLISHED, views_in(views), {"customers": with_customer_keys, "contacts": with_contact_keys})

if __name__ == "__main__":
    if sys.argv[1:2] == [healing.COMMAND]:
        healing.main(events.SOURCE, KINDS, sys.argv[2:], then=draw_codes)
    else:
        resync.main("customers", REFERENCES, sys.argv[1:])
