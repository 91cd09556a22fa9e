"""What the gateways' agents ask for; no gateway leads here, and the agents' key opens it."""

import re

from flask import Response, current_app, request

from chassis.errors import BadRequest, Unauthenticated
from chassis.web.answers import answer
from chassis.web.auth import public, shows_key
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from identity.keys import IdentitySettings
from identity.queries import revocations
from identity.routes.authority import secret
from identity.schemas.revocations import RevocationsOut

_CURSOR = re.compile(r"[0-9]{1,19}\Z")

blueprint = Blueprint("revocations", __name__, url_prefix="/internal", description="What gateways are told.")


@blueprint.route("/revocations", methods=["GET"])
@public
@blueprint.response(200, RevocationsOut)
def list_revocations() -> Response:
    """Show which users' tokens, sessions and companies are to be refused, or what has changed `after` a cursor."""
    _refuse_strangers(current_app.config["SETTINGS"])
    return secret(answer(revocations.list_revocations(session(), _cursor(request.args.get("after")))))


def _refuse_strangers(settings: IdentitySettings) -> None:
    """Raise Unauthenticated for all who do not show the agents' key, and for everybody where there is none."""
    if not shows_key(request.headers.get("Authorization"), settings.gateway_agent_key):
        raise Unauthenticated(
            "invalid_agent_key", "This is for the agents of gateways.", headers={"WWW-Authenticate": "Bearer"}
        )


def _cursor(given: str | None) -> int | None:
    if given is None:
        return None
    if not _CURSOR.match(given) or int(given) > revocations.LARGEST_CURSOR:
        raise BadRequest("invalid_cursor", "`after` is no cursor of an earlier answer.")
    return int(given)
