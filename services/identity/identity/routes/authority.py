"""What routes that deal in credentials share: the application's authority, and answers that nobody keeps."""

from typing import cast

from flask import Response, current_app

from chassis.errors import AppError
from chassis.web.application import ServiceApplication
from chassis.web.problems import problem
from identity.keys import Authority, make_authority


def authority() -> Authority:
    """The application's authority, made when it is first asked for. Raises SettingsError."""
    if "identity" not in current_app.extensions:
        app = cast("ServiceApplication", current_app)
        current_app.extensions["identity"] = make_authority(app.config["SETTINGS"], app.database)
    return cast("Authority", current_app.extensions["identity"])


def refused(error: AppError) -> Response:
    """Answer an error instead of raising it, so that what was counted on the way to it is committed."""
    faults = [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in error.errors]
    response = problem(error.status, error.title, error.code, error.detail, faults, members=error.members)
    response.headers.update(error.headers)
    return response


def secret(response: Response) -> Response:
    """Tokens are kept by nobody on the way (RFC 6749, 5.1)."""
    response.headers["Cache-Control"] = "no-store"
    return response
