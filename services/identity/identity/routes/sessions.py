"""Where one is signed in, and signing out."""

from flask import Response, request

from chassis.context import current, tenant
from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.errors import BadRequest, FieldError, NotFound
from chassis.web.answers import no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.listing import answer_page
from chassis.web.request import session
from identity.commands import ended_sessions
from identity.queries.own_sessions import OWN_SESSIONS, of_caller
from identity.routes.cookies import forget_cookie
from identity.schemas.sessions import SessionOut

blueprint = Blueprint("sessions", __name__, url_prefix="/v1/auth", description="Where one is signed in.")

_CURRENT = {
    "name": "current",
    "in": "query",
    "description": "`true` ends the session that asks as well.",
    "schema": {"type": "boolean", "default": False},
}


@blueprint.route("/logout", methods=["POST"])
@require("account:write")
@blueprint.response(204)
def log_out() -> Response:
    """End the session that the access token belongs to, and delete the company's cookie."""
    ended_sessions.end_this_session(session(), _caller(), _sid(), "signed_out")
    return forget_cookie(no_content(), tenant())


@blueprint.route("/sessions", methods=["GET"])
@require("account:read")
@blueprint.listing(OWN_SESSIONS, SessionOut)
def list_sessions(query: ListQuery) -> Response:
    """List where the caller is signed in to this company."""
    return answer_page(OWN_SESSIONS, query, list_page(session(), OWN_SESSIONS, of_caller(session(), query)))


@blueprint.route("/sessions/<id:session_id>", methods=["DELETE"])
@require("account:write")
@blueprint.response(204)
def end_session(session_id: int) -> Response:
    """End a session of the caller's."""
    if not ended_sessions.end_session(session(), _caller(), session_id, "ended_by_user"):
        raise NotFound("session_not_found", "There is no such session, or it has ended.")
    return no_content()


@blueprint.route("/sessions", methods=["DELETE"])
@require("account:write")
@blueprint.doc(parameters=[_CURRENT])  # type: ignore[untyped-decorator]  # flask-smorest ships no types.
@blueprint.response(204)
def end_sessions() -> Response:
    """End the caller's sessions in this company, except the one that asks."""
    kept = None if _current_too() else _sid()
    ended_sessions.end_sessions_of_member(session(), _caller(), "ended_by_user", but=kept)
    return no_content()


def _current_too() -> bool:
    given = request.args.get("current", "false")
    if set(request.args) - {"current"} or given not in ("true", "false"):
        detail = "Only current=true or current=false is known."
        raise BadRequest("invalid_query", detail, (FieldError("current", "invalid_value", detail),))
    return given == "true"


def _caller() -> int:
    user_id = current().user_id
    assert user_id is not None
    return user_id


def _sid() -> str:
    sid = current().session_id
    assert sid is not None
    return sid
