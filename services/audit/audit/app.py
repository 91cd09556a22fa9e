"""The audit service, wired: the only place that knows all its parts."""

from pathlib import Path

from flask import Flask

from audit import handlers, models, routes
from chassis.config import Settings
from chassis.service import Service
from chassis.web.server import create_application

SERVICE = Service(
    name="audit",
    title="Audit",
    settings=Settings,
    metadata=models.metadata,
    migrations=Path(__file__).parent.parent / "migrations",
    blueprints=(routes.blueprint,),
    subscriptions=handlers.SUBSCRIPTIONS,
    schedules=handlers.SCHEDULES,
)


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    return create_application(SERVICE)
