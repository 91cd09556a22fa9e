"""The HTTP side of identity: registering, signing in, refreshing, who am I, and the public keys."""

from typing import Any, cast

import orjson
from flask import Response, current_app

from chassis.context import current
from chassis.errors import Unauthenticated
from chassis.web.answers import answer
from chassis.web.application import ServiceApplication
from chassis.web.auth import authenticated, public
from chassis.web.blueprint import Blueprint
from chassis.web.problems import problem
from chassis.web.request import session
from identity import commands, queries
from identity.keys import Authority, make_authority
from identity.schemas import IdentityOut, KeySetOut, LoginIn, RefreshIn, RegistrationIn, RegistrationOut, TokensOut

JWKS_MAX_AGE = 60

auth = Blueprint("auth", __name__, url_prefix="/v1/auth", description="Signing up, in and on.")
keys = Blueprint("keys", __name__, url_prefix="/.well-known", description="The keys that tokens are verified with.")


def authority() -> Authority:
    """The application's authority, made when it is first asked for. Raises SettingsError."""
    if "identity" not in current_app.extensions:
        app = cast("ServiceApplication", current_app)
        current_app.extensions["identity"] = make_authority(app.config["SETTINGS"], app.database)
    return cast("Authority", current_app.extensions["identity"])


@auth.route("/register", methods=["POST"])
@public
@auth.arguments(RegistrationIn)
@auth.response(201, RegistrationOut)
def register(data: dict[str, Any]) -> Response:
    """Register a company with its first user, who becomes its admin."""
    registration = commands.register(session(), authority(), data["company"], data["user"])
    document = b'{"company":%s,"user":%s,%s' % (
        registration.company,
        registration.user,
        orjson.dumps(registration.tokens.document())[1:],
    )
    return _secret(answer(document, status=201))


@auth.route("/login", methods=["POST"])
@public
@auth.arguments(LoginIn)
@auth.response(200, TokensOut)
def log_in(data: dict[str, Any]) -> Response:
    """Sign in to a company."""
    tokens = commands.log_in(session(), authority(), data["email"], data["password"], data.get("company_id"))
    return _secret(answer(orjson.dumps(tokens.document())))


@auth.route("/refresh", methods=["POST"])
@public
@auth.arguments(RefreshIn)
@auth.response(200, TokensOut)
def refresh(data: dict[str, Any]) -> Response:
    """Exchange a refresh token for a new pair of tokens."""
    tokens = commands.refresh(session(), authority(), data["refresh_token"])
    if tokens is None:
        detail = "The refresh token is not valid, has expired or was used before; sign in again."
        return problem(Unauthenticated.status, Unauthenticated.title, "invalid_refresh_token", detail)
    return _secret(answer(orjson.dumps(tokens.document())))


@auth.route("/me", methods=["GET"])
@authenticated
@auth.response(200, IdentityOut)
def get_me() -> Response:
    """Show the caller, their company, their role and permissions."""
    user_id = current().user_id
    assert user_id is not None
    me = queries.get_identity(session(), user_id)
    rest = orjson.dumps({"role": me.role, "permissions": list(me.permissions)})
    return answer(b'{"user":%s,"company":%s,%s' % (me.user, me.company, rest[1:]))


@keys.route("/jwks.json", methods=["GET"])
@public
@keys.response(200, KeySetOut)
def get_jwks() -> Response:
    """Show the public keys of all tokens that are good now."""
    response = answer(authority().keys.jwks())
    response.headers["Cache-Control"] = f"public, max-age={JWKS_MAX_AGE}"
    return response


def _secret(response: Response) -> Response:
    """Tokens are kept by nobody on the way (RFC 6749, 5.1)."""
    response.headers["Cache-Control"] = "no-store"
    return response
