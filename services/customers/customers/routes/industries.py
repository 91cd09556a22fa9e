"""The routes of industries."""

from typing import Any

import orjson
from flask import Response

from chassis.web.answers import answer, created
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from customers.commands.industries import add_industry
from customers.queries import industries as queries
from customers.schemas.industries import IndustriesOut, IndustryIn, IndustryOut

blueprint = Blueprint("industries", __name__, url_prefix="/v1/industries", description="What customers work in.")


@blueprint.route("", methods=["GET"])
@require("customers:read")
@blueprint.response(200, IndustriesOut)
def list_industries() -> Response:
    """List the industries that a customer may have."""
    return answer(orjson.dumps({"data": queries.list_industries(session())}))


@blueprint.route("", methods=["POST"])
@require("companies:write")
@blueprint.arguments(IndustryIn)
@blueprint.response(201, IndustryOut)
def create_industry(values: dict[str, Any]) -> Response:
    """Add an industry."""
    industry = add_industry(session(), values["name"])
    return created(industry.json, version=industry.version, location="/v1/industries")
