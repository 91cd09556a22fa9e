"""The HTTP routes of identity, by noun."""

from identity.routes import auth, keys

BLUEPRINTS = (auth.blueprint, keys.blueprint)
