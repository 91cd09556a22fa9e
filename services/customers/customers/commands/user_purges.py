"""What the service holds of members who were purged."""

from chassis.purges import Held, Purges
from customers.events import CONTACT_UPDATED, CUSTOMER_UPDATED
from customers.models import USERS, user_purges
from customers.queries.contacts import RECORDS as CONTACTS
from customers.queries.customers import RECORDS as CUSTOMERS

# Imports, exports, merges and dismissed pairs go on naming the former user: they say who did something, and change no
# more.
PURGES = Purges(
    user_purges,
    users=USERS,
    held=(Held(CUSTOMERS, CUSTOMER_UPDATED, owner="assigned_to"), Held(CONTACTS, CONTACT_UPDATED)),
)
