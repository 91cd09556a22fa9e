"""The customers service, wired: the only place that knows all its parts."""

from pathlib import Path

from flask import Flask

from chassis.config import Settings
from chassis.errors import Conflict, FieldError, Invalid
from chassis.service import Service
from chassis.web.server import create_application
from customers import handlers, models, routes

SERVICE = Service(
    name="customers",
    title="Customers",
    settings=Settings,
    metadata=models.metadata,
    migrations=Path(__file__).parent.parent / "migrations",
    blueprints=routes.BLUEPRINTS,
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
    conflicts={
        "uq_customers_company_id_customer_code": Conflict(
            "customer_code_taken",
            "Another customer has this code.",
            (FieldError("/customer_code", "taken", "Another customer has this code."),),
        ),
        "uq_customers_name_unmerged": Conflict(
            "customer_exists",
            "There is a customer of this name at this company already.",
            (FieldError("/name", "taken", "There is a customer of this name at this company already."),),
        ),
        "uq_industries_company_id_name": Conflict(
            "industry_exists",
            "There is such an industry already.",
            (FieldError("/name", "taken", "There is such an industry already."),),
        ),
        "fk_customers_company_id_industry": Invalid(
            "unknown_industry",
            "There is no such industry in this company.",
            (FieldError("/industry", "unknown_reference", "There is no such industry in this company."),),
        ),
        "fk_customers_company_id_assigned_to": models.USERS.unknown("/assigned_to"),
    },
    required=("service_urls", "service_key"),
    references=models.REFERENCES,
)


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    return create_application(SERVICE)
