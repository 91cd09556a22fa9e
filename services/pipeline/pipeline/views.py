"""What a record shows of itself: in answers, in events and in the audit log. No secret is in any of them."""

from chassis.db.json_view import JsonView
from chassis.transfers import transfer_view
from imports.engine.tables import import_view
from pipeline.models import (
    DEAL_IMPORTS,
    LEAD_IMPORTS,
    conversions,
    deal_exports,
    deal_stages,
    deal_transfers,
    deals,
    exchange_rates,
    lead_exports,
    lead_stages,
    lead_transfers,
    leads,
    loss_reasons,
    pipelines,
    stage_history,
)

LEAD_STAGE = JsonView(
    lead_stages,
    (
        "id",
        "company_id",
        "version",
        "name",
        "description",
        "order_index",
        "is_active",
        "lead_status",
        "probability",
        "stale_after_days",
        "created_at",
        "updated_at",
    ),
)

LEAD = JsonView(
    leads,
    (
        "id",
        "company_id",
        "version",
        "lead_name",
        "customer_id",
        "email",
        "phone",
        "phone_e164",
        "source",
        "stage_id",
        "status",
        "priority",
        "probability",
        "probability_source",
        "estimated_value",
        "currency",
        "expected_close_date",
        "description",
        "notes",
        "loss_reason_id",
        "loss_reason",
        "assigned_to",
        "created_by",
        "stage_entered_at",
        "closed_at",
        "reopen_count",
        "converted_at",
        "converted_customer_id",
        "converted_contact_id",
        "converted_deal_id",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

PIPELINE = JsonView(
    pipelines,
    (
        "id",
        "company_id",
        "version",
        "name",
        "description",
        "is_default",
        "order_index",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

DEAL_STAGE = JsonView(
    deal_stages,
    (
        "id",
        "company_id",
        "version",
        "pipeline_id",
        "code",
        "name",
        "description",
        "kind",
        "probability",
        "forecast_category",
        "order_index",
        "is_active",
        "expected_days",
        "stale_after_days",
        "required_fields",
        "created_at",
        "updated_at",
    ),
)

DEAL = JsonView(
    deals,
    (
        "id",
        "company_id",
        "version",
        "deal_name",
        "customer_id",
        "lead_id",
        "pipeline_id",
        "stage_id",
        "stage",
        "status",
        "deal_value",
        "currency",
        "probability",
        "probability_source",
        "expected_close_date",
        "actual_close_date",
        "closed_at",
        "closed_by",
        "loss_reason_id",
        "loss_reason",
        "last_open_stage_id",
        "last_open_probability",
        "close_rate",
        "close_rate_base",
        "close_rate_date",
        "reopen_count",
        "notes",
        "assigned_to",
        "created_by",
        "stage_entered_at",
        "created_at",
        "updated_at",
        "archived_at",
    ),
)

LOSS_REASON = JsonView(
    loss_reasons,
    (
        "id",
        "company_id",
        "version",
        "name",
        "requires_text",
        "is_active",
        "order_index",
        "created_at",
        "updated_at",
    ),
)

EXCHANGE_RATE = JsonView(
    exchange_rates,
    (
        "id",
        "company_id",
        "version",
        "currency",
        "base_currency",
        "rate",
        "valid_on",
        "created_by",
        "created_at",
        "updated_at",
    ),
)

STAGE_HISTORY = JsonView(
    stage_history,
    (
        "id",
        "lead_id",
        "deal_id",
        "pipeline_id",
        "from_stage_id",
        "from_name",
        "from_kind",
        "to_stage_id",
        "to_code",
        "to_name",
        "to_kind",
        "entered_at",
        "left_at",
        "moved_by",
        "value",
        "currency",
        "probability",
        "status",
        "administrative",
    ),
)

CONVERSION = JsonView(
    conversions,
    (
        "id",
        "company_id",
        "version",
        "lead_id",
        "state",
        "wishes",
        "assigned_to",
        "customer_id",
        "contact_id",
        "deal_id",
        "deal_created",
        "error_code",
        "error_detail",
        "candidates",
        "kept",
        "created_by",
        "finished_at",
        "undone_at",
        "created_at",
        "updated_at",
    ),
)

LEAD_IMPORT = import_view(LEAD_IMPORTS.imports)
DEAL_IMPORT = import_view(DEAL_IMPORTS.imports)

LEAD_EXPORT = JsonView(
    lead_exports,
    (
        "id",
        "company_id",
        "version",
        "format",
        "query",
        "created_by",
        "created_at",
        "updated_at",
    ),
)

DEAL_EXPORT = JsonView(
    deal_exports,
    (
        "id",
        "company_id",
        "version",
        "format",
        "query",
        "created_by",
        "created_at",
        "updated_at",
    ),
)

LEAD_TRANSFER = transfer_view(lead_transfers)
DEAL_TRANSFER = transfer_view(deal_transfers)
