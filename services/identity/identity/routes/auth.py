"""Registering, signing in, refreshing, who am I."""

from typing import Any

import orjson
from flask import Response

from chassis.context import current
from chassis.errors import Unauthenticated
from chassis.web.answers import answer
from chassis.web.auth import authenticated, public
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from identity.commands import registration, sessions, signing_in
from identity.queries import members
from identity.routes.authority import authority, refused
from identity.routes.cookies import answer_tokens, cookie_of, forget_cookie, wants_cookie
from identity.schemas.auth import (
    IdentityOut,
    LoginIn,
    RefreshIn,
    RegistrationIn,
    RegistrationOut,
    SignedInOut,
    TokensOut,
)

blueprint = Blueprint("auth", __name__, url_prefix="/v1/auth", description="Signing up, in and on.")


@blueprint.route("/register", methods=["POST"])
@public
@blueprint.arguments(RegistrationIn)
@blueprint.response(201, RegistrationOut)
def register(data: dict[str, Any]) -> Response:
    """Register a company with its first user, who becomes its admin."""
    in_cookie = wants_cookie(data)
    registered = registration.register(session(), authority(), data["company"], data["user"])
    members = b'{"company":%s,"user":%s,' % (registered.company, registered.user)
    return answer_tokens(registered.tokens, in_cookie=in_cookie, members=members, status=201)


@blueprint.route("/login", methods=["POST"])
@public
@blueprint.arguments(LoginIn)
@blueprint.response(200, SignedInOut)
def log_in(data: dict[str, Any]) -> Response:
    """Sign in to a company."""
    in_cookie = wants_cookie(data)
    tokens = signing_in.log_in(
        session(),
        authority(),
        data["email"],
        data["password"],
        data.get("company_id"),
        device_token=data.get("device_token"),
    )
    if tokens is None:
        return refused(signing_in.invalid_credentials())
    return answer_tokens(tokens, in_cookie=in_cookie)


@blueprint.route("/refresh", methods=["POST"])
@public
@blueprint.arguments(RefreshIn)
@blueprint.response(200, TokensOut)
def refresh(data: dict[str, Any]) -> Response:
    """Exchange a refresh token for a new pair of tokens."""
    in_cookie = wants_cookie(data)
    company_id: int | None = data["company_id"] if in_cookie else None
    token = data["refresh_token"] if company_id is None else cookie_of(company_id)
    tokens = None if token is None else sessions.refresh(session(), authority(), token, company_id)
    if tokens is None:
        detail = "The refresh token is not valid, has expired or was used before; sign in again."
        response = refused(Unauthenticated("invalid_refresh_token", detail))
        return response if company_id is None else forget_cookie(response, company_id)
    return answer_tokens(tokens, in_cookie=in_cookie)


@blueprint.route("/me", methods=["GET"])
@authenticated
@blueprint.response(200, IdentityOut)
def get_me() -> Response:
    """Show the caller, their company, their role and permissions."""
    user_id = current().user_id
    assert user_id is not None
    me = members.get_identity(session(), user_id)
    membership = {"id": me.membership_id, "version": me.membership_version}
    rest = orjson.dumps({"role": me.role, "permissions": list(me.permissions), "membership": membership})
    return answer(b'{"user":%s,"company":%s,%s' % (me.user, me.company, rest[1:]))
