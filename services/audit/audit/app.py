"""The audit service, wired: the only place that knows all its parts."""

from flask import Flask

from audit import handlers, models, routes
from chassis.config import Settings
from chassis.service import Service, migrations_of
from chassis.web.server import create_application

SERVICE = Service(
    name="audit",
    title="Audit",
    settings=Settings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    blueprints=(routes.blueprint,),
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
)


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    return create_application(SERVICE)
