"""The token endpoint of OAuth 2.0: API keys become access tokens here (RFC 6749, 4.4)."""

from typing import Any
from urllib.parse import unquote_plus

import orjson
from flask import Response, request

from chassis.errors import AppError, BadRequest, Unauthenticated
from chassis.web.answers import answer
from chassis.web.auth import public
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from identity.commands.client_credentials import exchange
from identity.routes.authority import authority, refused, secret
from identity.schemas.api_keys import TokenIn, TokenOut

blueprint = Blueprint("tokens", __name__, url_prefix="/v1/auth", description="Access tokens for machines.")


@blueprint.route("/token", methods=["POST"])
@public
@blueprint.form(TokenIn)
@blueprint.response(200, TokenOut)
def exchange_api_key(form: dict[str, Any]) -> Response:
    """Exchange an API key for a short-lived access token (OAuth 2.0 client credentials)."""
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise _bad("invalid_request", "The field grant_type is missing.")
    if grant_type != "client_credentials":
        raise _bad("unsupported_grant_type", "Only the grant type client_credentials is known.")
    client_id, client_secret = _client(form)
    wanted = form["scope"].split() if "scope" in form else None
    exchanged = exchange(session(), authority(), client_id, client_secret, wanted)
    if exchanged is None:
        return refused(_invalid_client())
    response = secret(answer(orjson.dumps(exchanged.document())))
    response.headers["Pragma"] = "no-cache"  # RFC 6749, 5.1.
    return response


def _client(form: dict[str, Any]) -> tuple[str, str]:
    """Who asks: by HTTP Basic or in the body, and not both (RFC 6749, 2.3)."""
    in_body = "client_secret" in form
    if "Authorization" not in request.headers:
        if not in_body or "client_id" not in form:
            raise _invalid_client()
        return form["client_id"], form["client_secret"]
    if in_body:
        raise _bad("invalid_request", "The client is to be authenticated in one way and not in two.")
    basic = request.authorization
    if basic is None or basic.type != "basic":
        raise _invalid_client()
    # Both were encoded as a form's fields before they were put together (RFC 6749, 2.3.1).
    client_id, client_secret = unquote_plus(basic.username or ""), unquote_plus(basic.password or "")
    if form.get("client_id", client_id) != client_id:
        raise _bad("invalid_request", "The field client_id names another client than the header Authorization.")
    return client_id, client_secret


def _invalid_client() -> Unauthenticated:
    """One text for a key that is unknown, wrong, revoked, expired, or of somebody who is here no longer."""
    return Unauthenticated(
        "invalid_client",
        "The client's id or secret is not right, or not good any more.",
        headers={"WWW-Authenticate": 'Basic realm="crm"'},
        members={"error": "invalid_client"},
    )


def _bad(error: str, detail: str) -> AppError:
    return BadRequest(error, detail, members={"error": error})
