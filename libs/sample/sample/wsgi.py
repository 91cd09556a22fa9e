"""The web process of the sample service."""

from flask import Flask

from chassis.web.server import create_application
from sample.app import SERVICE


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    return create_application(SERVICE)
