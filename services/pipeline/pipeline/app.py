"""The pipeline service, wired: what its processes have in common."""

from chassis.config import Settings
from chassis.errors import Conflict, FieldError
from chassis.service import Service, migrations_of
from pipeline import handlers, models

_NAMED = (FieldError("/name", "taken", "This name is taken."),)
_USED = Conflict("stage_in_use", "There are records in this stage.")

SERVICE = Service(
    name="pipeline",
    title="Pipeline",
    settings=Settings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
    conflicts={
        "uq_lead_stages_name": Conflict("stage_exists", "There is a stage of this name already.", _NAMED),
        "uq_deal_stages_company_id_pipeline_id_code": Conflict(
            "stage_exists",
            "The pipeline has a stage of this code already.",
            (FieldError("/code", "taken", "This code is taken."),),
        ),
        "uq_pipelines_name": Conflict("pipeline_exists", "There is a pipeline of this name already.", _NAMED),
        "uq_loss_reasons_name": Conflict("reason_exists", "There is such a loss reason already.", _NAMED),
        "uq_exchange_rates_company_id_currency_base_currency_valid_on": Conflict(
            "rate_exists",
            "There is a rate of these currencies for this day already.",
            (FieldError("/valid_on", "taken", "There is a rate of these currencies for this day already."),),
        ),
        # A record has come into the stage whose kind is being changed.
        "fk_leads_company_id_stage_id_status": _USED,
        "fk_deals_stage": _USED,
        "fk_leads_company_id_customer_id": models.CUSTOMERS.unknown("/customer_id"),
        "fk_deals_company_id_customer_id": models.CUSTOMERS.unknown("/customer_id"),
        "fk_leads_company_id_assigned_to": models.USERS.unknown("/assigned_to"),
        "fk_deals_company_id_assigned_to": models.USERS.unknown("/assigned_to"),
    },
    required=("service_urls", "service_key"),
    references=models.REFERENCES,
)
