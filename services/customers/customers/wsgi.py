"""The web process of the customers service."""

from flask import Flask

from chassis.web.server import create_application
from customers.app import SERVICE


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    return create_application(SERVICE)
