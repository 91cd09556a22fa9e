"""The web process of the identity service, which verifies tokens with keys of its own."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import Flask

from chassis.config import SettingsError, exit_with
from chassis.web.application import ServiceApplication
from chassis.web.auth import TokenVerifier
from chassis.web.keys import KeySet
from chassis.web.server import create_application
from identity.app import SERVICE
from identity.keys import SigningKeys
from identity.routes.authority import authority


class OwnKeys(KeySet):
    """The keys from the database: asking its own JWKS over HTTP would wait for a thread that may be this one."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__("")
        self._own = keys

    def find(self, kid: str) -> RSAPublicKey | None:
        """The live key with this id, or None."""
        return self._own.find(kid)


def trust_own_keys(app: ServiceApplication) -> None:
    """Make the authority and let the application verify tokens with its keys. Raises SettingsError."""
    with app.app_context():
        own = authority()
    app.verifier = TokenVerifier(OwnKeys(own.keys), issuer=own.issuer, audience=own.audience)


def create_app() -> Flask:
    """The WSGI application; settings come from the environment."""
    app = create_application(SERVICE)
    try:
        trust_own_keys(app)
    except SettingsError as error:
        exit_with(error)
    return app
