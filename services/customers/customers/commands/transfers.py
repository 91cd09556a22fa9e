"""Customers of somebody who was deactivated, handed over to others."""

from chassis.transfers import Transfers
from customers.commands.customers import reassign_customer
from customers.events import CUSTOMER_TRANSFER_COMPLETED, CUSTOMER_TRANSFER_STARTED, SOURCE
from customers.models import USERS, customers
from customers.views import CUSTOMER_TRANSFER

TRANSFERS = Transfers(
    CUSTOMER_TRANSFER,
    users=USERS,
    kind="customers",
    owner=customers.c.assigned_to,
    # The archived ones keep their owner, who is part of what they were.
    rows=(customers.c.archived_at.is_(None),),
    reassign=reassign_customer,
    source=SOURCE,
    started=CUSTOMER_TRANSFER_STARTED,
    completed=CUSTOMER_TRANSFER_COMPLETED,
)
