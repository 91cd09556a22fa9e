"""What routes that deal in credentials share: the application's authority, and answers that nobody keeps."""

from typing import cast

from flask import Response, current_app

from chassis.web.application import ServiceApplication
from identity.keys import Authority, make_authority


def authority() -> Authority:
    """The application's authority, made when it is first asked for. Raises SettingsError."""
    if "identity" not in current_app.extensions:
        app = cast("ServiceApplication", current_app)
        current_app.extensions["identity"] = make_authority(app.config["SETTINGS"], app.database)
    return cast("Authority", current_app.extensions["identity"])


def secret(response: Response) -> Response:
    """Tokens are kept by nobody on the way (RFC 6749, 5.1)."""
    response.headers["Cache-Control"] = "no-store"
    return response
