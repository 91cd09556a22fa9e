"""The customers service, wired: the only place that knows all its parts."""

from flask import Flask

from chassis.config import Settings
from chassis.service import Service, migrations_of
from chassis.web.server import create_application
from customers import handlers, models, routes
from customers.commands.conflicts import CONFLICTS

SERVICE = Service(
    name="customers",
    title="Customers",
    settings=Settings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    blueprints=routes.BLUEPRINTS,
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
    conflicts=CONFLICTS,
    required=("service_urls", "service_key"),
    references=models.REFERENCES,
)


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    return create_application(SERVICE)
