"""Every event that the customers service publishes."""

from chassis.events import EventType

SOURCE = "customers"

CUSTOMER_CREATED = EventType("customer", "created", table="customers")
CUSTOMER_UPDATED = EventType("customer", "updated", table="customers")
CUSTOMER_ARCHIVED = EventType("customer", "archived", table="customers")
CUSTOMER_RESTORED = EventType("customer", "restored", table="customers")
CUSTOMER_TRANSFER_STARTED = EventType("customer_transfer", "started", table="customer_transfers")
CUSTOMER_TRANSFER_COMPLETED = EventType("customer_transfer", "completed", table="customer_transfers")
CUSTOMER_MERGED = EventType("customer", "merged", table="customers")
CUSTOMER_PURGED = EventType("customer", "purged", table="customers")
CONTACT_CREATED = EventType("contact", "created", table="contacts")
CONTACT_UPDATED = EventType("contact", "updated", table="contacts")
CONTACT_ARCHIVED = EventType("contact", "archived", table="contacts")
CONTACT_RESTORED = EventType("contact", "restored", table="contacts")
CONTACT_PURGED = EventType("contact", "purged", table="contacts")
EXPORT_CREATED = EventType("export", "created", table="exports")
IMPORT_CREATED = EventType("import", "created", table="imports")
IMPORT_UPDATED = EventType("import", "updated", table="imports")
IMPORT_STARTED = EventType("import", "started", table="imports")
IMPORT_COMPLETED = EventType("import", "completed", table="imports")
IMPORT_FAILED = EventType("import", "failed", table="imports")
IMPORT_CANCELLED = EventType("import", "cancelled", table="imports")
IMPORT_REVERT_STARTED = EventType("import", "revert_started", table="imports")
IMPORT_REVERTED = EventType("import", "reverted", table="imports")
INDUSTRY_CREATED = EventType("industry", "created", table="industries")
MERGE_CREATED = EventType("merge", "created", table="merges")
MERGE_UNDONE = EventType("merge", "undone", table="merges")
MERGE_PURGED = EventType("merge", "purged", table="merges")

PUBLISHED = (
    CUSTOMER_CREATED,
    CUSTOMER_UPDATED,
    CUSTOMER_ARCHIVED,
    CUSTOMER_RESTORED,
    CUSTOMER_TRANSFER_STARTED,
    CUSTOMER_TRANSFER_COMPLETED,
    CUSTOMER_MERGED,
    CUSTOMER_PURGED,
    CONTACT_CREATED,
    CONTACT_UPDATED,
    CONTACT_ARCHIVED,
    CONTACT_RESTORED,
    CONTACT_PURGED,
    EXPORT_CREATED,
    IMPORT_CREATED,
    IMPORT_UPDATED,
    IMPORT_STARTED,
    IMPORT_COMPLETED,
    IMPORT_FAILED,
    IMPORT_CANCELLED,
    IMPORT_REVERT_STARTED,
    IMPORT_REVERTED,
    INDUSTRY_CREATED,
    MERGE_CREATED,
    MERGE_UNDONE,
    MERGE_PURGED,
)
