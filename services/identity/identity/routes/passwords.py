"""Changing a password, and setting a forgotten one anew."""

from typing import Any

from flask import Response

from chassis.context import current
from chassis.web.answers import accepted, no_content
from chassis.web.auth import public, require
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from identity.commands import passwords
from identity.routes.authority import authority, refused
from identity.schemas.passwords import PasswordChangeIn, PasswordForgottenIn, PasswordResetIn

blueprint = Blueprint("passwords", __name__, url_prefix="/v1/auth/password", description="The caller's password.")


@blueprint.route("", methods=["POST"])
@require("account:write")
@blueprint.arguments(PasswordChangeIn)
@blueprint.response(204)
def change_password(data: dict[str, Any]) -> Response:
    """Change the caller's password and end all their other sessions."""
    user_id = current().user_id
    assert user_id is not None
    old, new = data["current_password"], data["new_password"]
    if not passwords.change_password(session(), authority(), user_id, old, new):
        return refused(passwords.wrong_password())
    return no_content()


@blueprint.route("/forgot", methods=["POST"])
@public
@blueprint.arguments(PasswordForgottenIn)
@blueprint.response(202)
def forget_password(data: dict[str, Any]) -> Response:
    """Send a link to set a new password, if the address is that of an account."""
    passwords.forget_password(session(), data["email"])
    return accepted()


@blueprint.route("/reset", methods=["POST"])
@public
@blueprint.arguments(PasswordResetIn)
@blueprint.response(204)
def reset_password(data: dict[str, Any]) -> Response:
    """Set a new password with the token from the link, and end all sessions."""
    passwords.reset_password(session(), authority(), data["token"], data["new_password"])
    return no_content()
