"""The tasks service, wired: what its processes have in common."""

from chassis.errors import FieldError, Invalid
from chassis.mail import MailSettings
from chassis.service import Service, migrations_of
from tasks import handlers, models

SERVICE = Service(
    name="tasks",
    title="Tasks",
    settings=MailSettings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
    conflicts={
        "fk_tasks_company_id_assigned_to": models.USERS.unknown("/assigned_to"),
        "fk_tasks_company_id_customer_id": models.CUSTOMERS.unknown("/customer_id"),
        "fk_tasks_company_id_lead_id": models.LEADS.unknown("/lead_id"),
        "fk_activities_company_id_user_id": models.USERS.unknown("/user_id"),
        "fk_activities_company_id_customer_id": models.CUSTOMERS.unknown("/customer_id"),
        "fk_activities_company_id_lead_id": models.LEADS.unknown("/lead_id"),
        "fk_activities_company_id_deal_id": models.DEALS.unknown("/deal_id"),
        "fk_activities_company_id_task_id": Invalid(
            "unknown_task",
            "There is no such task in this company.",
            (FieldError("/task_id", "unknown_reference", "There is no such task in this company."),),
        ),
        "fk_tasks_company_id_deal_id": models.DEALS.unknown("/deal_id"),
    },
    required=("service_urls", "service_key"),
    references=models.REFERENCES,
    open_codes={
        "*_archived": ("customer_archived", "lead_archived", "deal_archived"),
        "*_not_found": ("customer_not_found", "lead_not_found", "deal_not_found"),
    },
)
