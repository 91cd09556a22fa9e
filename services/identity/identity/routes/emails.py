"""Proving that an e-mail address is one's own."""

from typing import Any

from flask import Response

from chassis.context import current
from chassis.web.answers import accepted, no_content
from chassis.web.auth import public, require
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from identity.commands import emails
from identity.routes.authority import authority
from identity.schemas.emails import EmailVerificationIn

blueprint = Blueprint("emails", __name__, url_prefix="/v1/auth/email", description="The caller's e-mail address.")


@blueprint.route("/verification", methods=["POST"])
@require("account:write")
@blueprint.response(202)
def send_verification() -> Response:
    """Send the link that verifies the caller's e-mail address once more."""
    user_id = current().user_id
    assert user_id is not None
    emails.ask_again(session(), authority().app_url, user_id)
    return accepted()


@blueprint.route("/verify", methods=["POST"])
@public
@blueprint.arguments(EmailVerificationIn)
@blueprint.response(204)
def verify_email(data: dict[str, Any]) -> Response:
    """Verify an e-mail address with the token from the link."""
    emails.verify_email(session(), data["token"])
    return no_content()
