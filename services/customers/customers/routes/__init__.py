"""The HTTP routes of the customers service, by noun."""

from customers.routes import bulk, contacts, customers, industries

BLUEPRINTS = (customers.blueprint, bulk.blueprint, contacts.blueprint, industries.blueprint)
