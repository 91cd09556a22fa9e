"""The HTTP routes of the customers service, by noun."""

from customers.routes import bulk, contacts, customers, imports, industries, internal, merges

BLUEPRINTS = (
    customers.blueprint,
    bulk.blueprint,
    imports.blueprint,
    merges.blueprint,
    contacts.blueprint,
    industries.blueprint,
    internal.blueprint,
)
