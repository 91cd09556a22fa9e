"""The public keys that tokens are verified with."""

from flask import Response

from chassis.web.answers import answer
from chassis.web.auth import public
from chassis.web.blueprint import Blueprint
from identity.routes.authority import authority
from identity.schemas.keys import KeySetOut

JWKS_MAX_AGE = 60

blueprint = Blueprint(
    "keys", __name__, url_prefix="/.well-known", description="The keys that tokens are verified with."
)


@blueprint.route("/jwks.json", methods=["GET"])
@public
@blueprint.response(200, KeySetOut)
def get_jwks() -> Response:
    """Show the public keys of all tokens that are good now."""
    response = answer(authority().keys.jwks())
    response.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE}"
    return response
