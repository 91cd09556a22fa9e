"""Every event that the customers service publishes."""

from chassis.events import EventType

SOURCE = "customers"

CUSTOMER_CREATED = EventType("customer", "created", table="customers")
CUSTOMER_UPDATED = EventType("customer", "updated", table="customers")
CUSTOMER_ARCHIVED = EventType("customer", "archived", table="customers")
CUSTOMER_RESTORED = EventType("customer", "restored", table="customers")
CUSTOMER_TRANSFER_STARTED = EventType("customer_transfer", "started", table="customer_transfers")
CUSTOMER_TRANSFER_COMPLETED = EventType("customer_transfer", "completed", table="customer_transfers")

PUBLISHED = (
    CUSTOMER_CREATED,
    CUSTOMER_UPDATED,
    CUSTOMER_ARCHIVED,
    CUSTOMER_RESTORED,
    CUSTOMER_TRANSFER_STARTED,
    CUSTOMER_TRANSFER_COMPLETED,
)
