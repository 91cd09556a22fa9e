"""The HTTP routes of a user with several companies."""

from typing import Any

import orjson
from flask import Response

from chassis.context import current
from chassis.web.answers import answer, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from identity.commands import memberships as commands
from identity.queries import memberships as queries
from identity.routes.authority import authority
from identity.routes.cookies import answer_tokens, wants_cookie
from identity.schemas.auth import SwitchIn, TokensOut
from identity.schemas.companies import CompanyChoiceIn, WorkplacesOut

blueprint = Blueprint("memberships", __name__, url_prefix="/v1/auth", description="The companies that one works for.")


@blueprint.route("/companies", methods=["GET"])
@require("account:read")
@blueprint.response(200, WorkplacesOut)
def list_own_companies() -> Response:
    """List the companies of the caller, the primary one first."""
    places = [place.document() for place in queries.list_workplaces(session(), _caller())]
    return answer(orjson.dumps({"data": places}))


@blueprint.route("/switch-company", methods=["POST"])
@require("account:write")
@blueprint.arguments(SwitchIn)
@blueprint.response(200, TokensOut)
def switch_company(data: dict[str, Any]) -> Response:
    """Get tokens for another company of the caller's."""
    in_cookie = wants_cookie(data)
    tokens = commands.switch_company(session(), authority(), _caller(), data["company_id"])
    return answer_tokens(tokens, in_cookie=in_cookie)


@blueprint.route("/primary-company", methods=["POST"])
@require("account:write")
@blueprint.arguments(CompanyChoiceIn)
@blueprint.response(204)
def set_primary_company(data: dict[str, Any]) -> Response:
    """Choose the company that signing in leads to when none is named."""
    commands.set_primary_company(session(), _caller(), data["company_id"])
    return no_content()


def _caller() -> int:
    user_id = current().user_id
    assert user_id is not None
    return user_id
