"""The HTTP routes of the customers service, by noun."""

from customers.routes import customers

BLUEPRINTS = (customers.blueprint,)
