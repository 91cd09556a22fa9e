"""The HTTP routes of the sample service, by noun."""

from sample.routes import books, bulk, internal, shelves

BLUEPRINTS = (shelves.blueprint, books.blueprint, bulk.blueprint, internal.blueprint)
