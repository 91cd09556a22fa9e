"""Every event that the pipeline service publishes."""

from chassis.events import EventType

SOURCE = "pipeline"

LEAD_STAGE_CREATED = EventType("lead_stage", "created", table="lead_stages")
LEAD_STAGE_UPDATED = EventType("lead_stage", "updated", table="lead_stages")
LEAD_STAGE_DELETED = EventType("lead_stage", "deleted", table="lead_stages")
LEAD_CREATED = EventType("lead", "created", table="leads")
LEAD_UPDATED = EventType("lead", "updated", table="leads")
LEAD_STAGE_CHANGED = EventType("lead", "stage_changed", table="leads")
LEAD_REORDERED = EventType("lead", "reordered", table="leads")
LEAD_LOST = EventType("lead", "lost", table="leads")
LEAD_REOPENED = EventType("lead", "reopened", table="leads")
LEAD_CONVERTED = EventType("lead", "converted", table="leads")
LEAD_ARCHIVED = EventType("lead", "archived", table="leads")
LEAD_RESTORED = EventType("lead", "restored", table="leads")
LEAD_PURGED = EventType("lead", "purged", table="leads")
PIPELINE_CREATED = EventType("pipeline", "created", table="pipelines")
PIPELINE_UPDATED = EventType("pipeline", "updated", table="pipelines")
PIPELINE_ARCHIVED = EventType("pipeline", "archived", table="pipelines")
DEAL_STAGE_CREATED = EventType("deal_stage", "created", table="deal_stages")
DEAL_STAGE_UPDATED = EventType("deal_stage", "updated", table="deal_stages")
DEAL_STAGE_DELETED = EventType("deal_stage", "deleted", table="deal_stages")
DEAL_CREATED = EventType("deal", "created", table="deals")
DEAL_UPDATED = EventType("deal", "updated", table="deals")
DEAL_STAGE_CHANGED = EventType("deal", "stage_changed", table="deals")
DEAL_REORDERED = EventType("deal", "reordered", table="deals")
DEAL_WON = EventType("deal", "won", table="deals")
DEAL_LOST = EventType("deal", "lost", table="deals")
DEAL_REOPENED = EventType("deal", "reopened", table="deals")
DEAL_ARCHIVED = EventType("deal", "archived", table="deals")
DEAL_RESTORED = EventType("deal", "restored", table="deals")
DEAL_PURGED = EventType("deal", "purged", table="deals")
LOSS_REASON_CREATED = EventType("loss_reason", "created", table="loss_reasons")
LOSS_REASON_UPDATED = EventType("loss_reason", "updated", table="loss_reasons")
LOSS_REASON_DELETED = EventType("loss_reason", "deleted", table="loss_reasons")
CONVERSION_STARTED = EventType("conversion", "started", table="conversions")
CONVERSION_COMPLETED = EventType("conversion", "completed", table="conversions")
CONVERSION_FAILED = EventType("conversion", "failed", table="conversions")
CONVERSION_CANCELLED = EventType("conversion", "cancelled", table="conversions")
CONVERSION_UNDONE = EventType("conversion", "undone", table="conversions")
EXCHANGE_RATE_CREATED = EventType("exchange_rate", "created", table="exchange_rates")
EXCHANGE_RATE_UPDATED = EventType("exchange_rate", "updated", table="exchange_rates")
EXCHANGE_RATE_DELETED = EventType("exchange_rate", "deleted", table="exchange_rates")
LEAD_TRANSFER_STARTED = EventType("lead_transfer", "started", table="lead_transfers")
LEAD_TRANSFER_COMPLETED = EventType("lead_transfer", "completed", table="lead_transfers")
DEAL_TRANSFER_STARTED = EventType("deal_transfer", "started", table="deal_transfers")
DEAL_TRANSFER_COMPLETED = EventType("deal_transfer", "completed", table="deal_transfers")
LEAD_IMPORT_CREATED = EventType("lead_import", "created", table="lead_imports")
LEAD_IMPORT_UPDATED = EventType("lead_import", "updated", table="lead_imports")
LEAD_IMPORT_STARTED = EventType("lead_import", "started", table="lead_imports")
LEAD_IMPORT_COMPLETED = EventType("lead_import", "completed", table="lead_imports")
LEAD_IMPORT_FAILED = EventType("lead_import", "failed", table="lead_imports")
LEAD_IMPORT_CANCELLED = EventType("lead_import", "cancelled", table="lead_imports")
LEAD_IMPORT_REVERT_STARTED = EventType("lead_import", "revert_started", table="lead_imports")
LEAD_IMPORT_REVERTED = EventType("lead_import", "reverted", table="lead_imports")
DEAL_IMPORT_CREATED = EventType("deal_import", "created", table="deal_imports")
DEAL_IMPORT_UPDATED = EventType("deal_import", "updated", table="deal_imports")
DEAL_IMPORT_STARTED = EventType("deal_import", "started", table="deal_imports")
DEAL_IMPORT_COMPLETED = EventType("deal_import", "completed", table="deal_imports")
DEAL_IMPORT_FAILED = EventType("deal_import", "failed", table="deal_imports")
DEAL_IMPORT_CANCELLED = EventType("deal_import", "cancelled", table="deal_imports")
DEAL_IMPORT_REVERT_STARTED = EventType("deal_import", "revert_started", table="deal_imports")
DEAL_IMPORT_REVERTED = EventType("deal_import", "reverted", table="deal_imports")
LEAD_EXPORT_CREATED = EventType("lead_export", "created", table="lead_exports")
DEAL_EXPORT_CREATED = EventType("deal_export", "created", table="deal_exports")

PUBLISHED = (
    LEAD_STAGE_CREATED,
    LEAD_STAGE_UPDATED,
    LEAD_STAGE_DELETED,
    LEAD_CREATED,
    LEAD_UPDATED,
    LEAD_STAGE_CHANGED,
    LEAD_REORDERED,
    LEAD_LOST,
    LEAD_REOPENED,
    LEAD_ARCHIVED,
    LEAD_RESTORED,
    LEAD_PURGED,
    PIPELINE_CREATED,
    PIPELINE_UPDATED,
    PIPELINE_ARCHIVED,
    DEAL_STAGE_CREATED,
    DEAL_STAGE_UPDATED,
    DEAL_STAGE_DELETED,
    DEAL_CREATED,
    DEAL_UPDATED,
    DEAL_STAGE_CHANGED,
    DEAL_REORDERED,
    DEAL_WON,
    DEAL_LOST,
    DEAL_REOPENED,
    DEAL_ARCHIVED,
    DEAL_RESTORED,
    DEAL_PURGED,
    LEAD_CONVERTED,
    CONVERSION_STARTED,
    CONVERSION_COMPLETED,
    CONVERSION_FAILED,
    CONVERSION_CANCELLED,
    CONVERSION_UNDONE,
    LOSS_REASON_CREATED,
    LOSS_REASON_UPDATED,
    LOSS_REASON_DELETED,
    EXCHANGE_RATE_CREATED,
    EXCHANGE_RATE_UPDATED,
    EXCHANGE_RATE_DELETED,
    LEAD_TRANSFER_STARTED,
    LEAD_TRANSFER_COMPLETED,
    DEAL_TRANSFER_STARTED,
    DEAL_TRANSFER_COMPLETED,
    LEAD_IMPORT_CREATED,
    LEAD_IMPORT_UPDATED,
    LEAD_IMPORT_STARTED,
    LEAD_IMPORT_COMPLETED,
    LEAD_IMPORT_FAILED,
    LEAD_IMPORT_CANCELLED,
    LEAD_IMPORT_REVERT_STARTED,
    LEAD_IMPORT_REVERTED,
    DEAL_IMPORT_CREATED,
    DEAL_IMPORT_UPDATED,
    DEAL_IMPORT_STARTED,
    DEAL_IMPORT_COMPLETED,
    DEAL_IMPORT_FAILED,
    DEAL_IMPORT_CANCELLED,
    DEAL_IMPORT_REVERT_STARTED,
    DEAL_IMPORT_REVERTED,
    LEAD_EXPORT_CREATED,
    DEAL_EXPORT_CREATED,
)
