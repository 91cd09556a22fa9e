"""The HTTP routes of the customers service, by noun."""

from customers.routes import bulk, contacts, customers, industries, merges

BLUEPRINTS = (customers.blueprint, bulk.blueprint, merges.blueprint, contacts.blueprint, industries.blueprint)
