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
CUSTOMER_EXPORT_CREATED = EventType("customer_export", "created", table="customer_exports")
CUSTOMER_IMPORT_CREATED = EventType("customer_import", "created", table="customer_imports")
CUSTOMER_IMPORT_UPDATED = EventType("customer_import", "updated", table="customer_imports")
CUSTOMER_IMPORT_STARTED = EventType("customer_import", "started", table="customer_imports")
CUSTOMER_IMPORT_COMPLETED = EventType("customer_import", "completed", table="customer_imports")
CUSTOMER_IMPORT_FAILED = EventType("customer_import", "failed", table="customer_imports")
CUSTOMER_IMPORT_CANCELLED = EventType("customer_import", "cancelled", table="customer_imports")
CUSTOMER_IMPORT_REVERT_STARTED = EventType("customer_import", "revert_started", table="customer_imports")
CUSTOMER_IMPORT_REVERTED = EventType("customer_import", "reverted", table="customer_imports")
INDUSTRY_CREATED = EventType("industry", "created", table="industries")
CUSTOMER_MERGE_CREATED = EventType("customer_merge", "created", table="customer_merges")
CUSTOMER_MERGE_UNDONE = EventType("customer_merge", "undone", table="customer_merges")
CUSTOMER_MERGE_PURGED = EventType("customer_merge", "purged", table="customer_merges")
CONVERSION_RESULT_SUCCEEDED = EventType("conversion_result", "succeeded", table="conversion_results")
CONVERSION_RESULT_REFUSED = EventType("conversion_result", "refused", table="conversion_results")
CONVERSION_RESULT_UNDONE = EventType("conversion_result", "undone", table="conversion_results")

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
    CUSTOMER_EXPORT_CREATED,
    CUSTOMER_IMPORT_CREATED,
    CUSTOMER_IMPORT_UPDATED,
    CUSTOMER_IMPORT_STARTED,
    CUSTOMER_IMPORT_COMPLETED,
    CUSTOMER_IMPORT_FAILED,
    CUSTOMER_IMPORT_CANCELLED,
    CUSTOMER_IMPORT_REVERT_STARTED,
    CUSTOMER_IMPORT_REVERTED,
    INDUSTRY_CREATED,
    CUSTOMER_MERGE_CREATED,
    CUSTOMER_MERGE_UNDONE,
    CUSTOMER_MERGE_PURGED,
    CONVERSION_RESULT_SUCCEEDED,
    CONVERSION_RESULT_REFUSED,
    CONVERSION_RESULT_UNDONE,
)
