"""The web process of the audit service."""

from flask import Flask

from audit.app import SERVICE
from chassis.web.server import create_application


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    return create_application(SERVICE)
