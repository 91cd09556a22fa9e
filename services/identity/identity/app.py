"""The identity service, wired: the only place that knows all its parts."""

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from flask import Flask

from chassis.config import SettingsError, exit_with
from chassis.errors import Conflict, FieldError
from chassis.service import Service, migrations_of
from chassis.web.application import ServiceApplication
from chassis.web.auth import TokenVerifier
from chassis.web.keys import KeySet
from chassis.web.server import create_application
from identity import handlers, models, routes
from identity.keys import IdentitySettings, SigningKeys
from identity.routes.authority import authority
from identity.rules import COMPANY_STATUSES, INVITATION_STATUSES, MEMBER_STATUSES

VIEW_NAME_TAKEN = Conflict(
    "view_name_taken",
    "There is a view of this name on this screen already.",
    (FieldError("/name", "taken", "There is a view of this name on this screen already."),),
)

SERVICE = Service(
    name="identity",
    title="Identity",
    settings=IdentitySettings,
    metadata=models.metadata,
    migrations=migrations_of(__file__),
    blueprints=routes.BLUEPRINTS,
    schedules=handlers.SCHEDULES,
    required=("key_encryption_key",),
    open_codes={
        "company_*": [f"company_{status}" for status in COMPANY_STATUSES if status != "active"],
        "member_*": [f"member_{status}" for status in MEMBER_STATUSES],
        "invitation_*": [f"invitation_{status}" for status in INVITATION_STATUSES if status != "pending"],
    },
    conflicts={
        "uq_companies_email": Conflict(
            "company_email_taken",
            "Another company has registered with this e-mail address.",
            (FieldError("/company/email", "taken", "Another company has registered with this e-mail address."),),
        ),
        "uq_users_email": Conflict(
            "user_email_taken",
            "There is an account with this e-mail address already.",
            (FieldError("/user/email", "taken", "There is an account with this e-mail address already."),),
        ),
        "uq_invitations_pending": Conflict(
            "invitation_pending",
            "This address is invited already; send that invitation again, or withdraw it.",
            (FieldError("/email", "taken", "This address is invited already."),),
        ),
        "uq_saved_views_own": VIEW_NAME_TAKEN,
        "uq_saved_views_shared": VIEW_NAME_TAKEN,
        "uq_user_companies_company_id_user_id": Conflict(
            "already_member", "Somebody with this address is a member of the company already."
        ),
    },
)


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
