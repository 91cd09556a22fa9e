"""API keys: making, seeing and revoking them."""

from typing import Any

import orjson
from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from identity.commands import api_keys as commands
from identity.queries import api_keys as queries
from identity.routes.authority import secret
from identity.schemas.api_keys import ApiKeyIn, ApiKeyOut, NewApiKeyOut

blueprint = Blueprint("api_keys", __name__, url_prefix="/v1/api-keys", description="The keys of machines.")


@blueprint.route("", methods=["POST"])
@require("api_keys:write")
@blueprint.arguments(ApiKeyIn)
@blueprint.response(201, NewApiKeyOut)
def make_api_key(values: dict[str, Any]) -> Response:
    """Make an API key that acts for the caller; the answer is the only one that shows it."""
    made = commands.make_api_key(session(), values["name"], values["scopes"], values.get("expires_at"))
    document = b'%s,"key":%s}' % (made.record.json[:-1], orjson.dumps(made.key))
    return secret(created(document, version=made.record.version, location=f"/v1/api-keys/{made.record.id}"))


@blueprint.route("", methods=["GET"])
@require("api_keys:read")
@blueprint.listing(queries.API_KEYS, ApiKeyOut)
def list_api_keys(query: ListQuery) -> Response:
    """List the company's API keys, newest first, without the revoked ones."""
    return answer_page(queries.API_KEYS, query, list_page(session(), queries.API_KEYS, query))


@blueprint.route("/<id:key_id>", methods=["GET"])
@require("api_keys:read")
@blueprint.response(200, ApiKeyOut)
def get_api_key(key_id: int) -> Response:
    """Get an API key, revoked or not, without its secret."""
    key = queries.RECORDS.get(session(), key_id)
    return answer(key.json, version=key.version)


@blueprint.route("/<id:key_id>", methods=["DELETE"])
@require("api_keys:write")
@versioned
@blueprint.response(204)
def revoke_api_key(key_id: int) -> Response:
    """Revoke an API key and every access token that it was exchanged for."""
    commands.revoke_api_key(session(), key_id, expected_version())
    return no_content()
