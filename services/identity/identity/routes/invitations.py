"""The HTTP routes of invitations."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, no_content
from chassis.web.auth import public, require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from identity.commands import invitations as commands
from identity.commands import joining
from identity.commands.signing_in import invalid_credentials
from identity.queries import invitations as queries
from identity.routes.authority import authority, refused
from identity.routes.cookies import answer_tokens, wants_cookie
from identity.schemas.invitations import AcceptanceIn, InvitationIn, InvitationOut, JoinedOut

blueprint = Blueprint("invitations", __name__, url_prefix="/v1/invitations", description="Asking people to join.")


@blueprint.route("", methods=["POST"])
@require("users:write")
@blueprint.arguments(InvitationIn)
@blueprint.response(201, InvitationOut)
def create_invitation(values: dict[str, Any]) -> Response:
    """Ask somebody by e-mail to join the company."""
    invitation = commands.invite(session(), authority().app_url, values)
    return created(invitation.json, version=invitation.version, location=f"/v1/invitations/{invitation.id}")


@blueprint.route("", methods=["GET"])
@require("users:read")
@blueprint.listing(queries.INVITATIONS, InvitationOut)
def list_invitations(query: ListQuery) -> Response:
    """List the company's invitations, newest first."""
    return answer_page(queries.INVITATIONS, query, list_page(session(), queries.INVITATIONS, query))


@blueprint.route("/<id:invitation_id>", methods=["GET"])
@require("users:read")
@blueprint.response(200, InvitationOut)
def get_invitation(invitation_id: int) -> Response:
    """Get an invitation."""
    invitation = queries.RECORDS.get(session(), invitation_id)
    return answer(invitation.json, version=invitation.version)


@blueprint.route("/<id:invitation_id>", methods=["DELETE"])
@require("users:write")
@versioned
@blueprint.response(204)
def withdraw_invitation(invitation_id: int) -> Response:
    """Withdraw an invitation: its letter is worthless from now on."""
    commands.withdraw_invitation(session(), invitation_id, expected_version())
    return no_content()


@blueprint.route("/<id:invitation_id>/resend", methods=["POST"])
@require("users:write")
@blueprint.response(200, InvitationOut)
def resend_invitation(invitation_id: int) -> Response:
    """Send the letter again with a new link; the link before is void."""
    invitation = commands.resend_invitation(session(), authority().app_url, invitation_id)
    return answer(invitation.json, version=invitation.version)


@blueprint.route("/accept", methods=["POST"])
@public
@blueprint.arguments(AcceptanceIn)
@blueprint.response(200, JoinedOut)
def accept_invitation(data: dict[str, Any]) -> Response:
    """Join a company with the token from its letter, as a new user or with one's own password."""
    in_cookie = wants_cookie(data)
    joined = joining.accept_invitation(session(), authority(), data["token"], data, data["password"])
    if joined is None:
        return refused(invalid_credentials())
    return answer_tokens(joined.tokens, in_cookie=in_cookie, members=b'{"member":%s,' % joined.member)
