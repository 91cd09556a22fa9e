"""Records on their way to other owners, and users on their way out of the system."""

from chassis.purges import purges_table
from chassis.transfers import transfer_table
from customers.models.metadata import metadata
from customers.models.references import USERS

# The customers of somebody who was deactivated, on their way to others.
customer_transfers = transfer_table("customer_transfers", metadata, USERS)

user_purges = purges_table(metadata)
