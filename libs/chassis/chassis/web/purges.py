"""What a service tells identity of a purge: whether it has heard of it, and whether it is done with it."""

from uuid import UUID

import orjson
from flask import Response, request
from marshmallow import fields, validate

from chassis.db import company_purges as companies
from chassis.errors import BadRequest
from chassis.purges import STATES, Purges
from chassis.web.answers import answer
from chassis.web.blueprint import Blueprint
from chassis.web.internal import internal, of_company
from chassis.web.request import session
from chassis.web.schemas import OutSchema, Timestamp


class PurgeStateOut(OutSchema):
    """How far a service is with a purge."""

    state = fields.String(required=True, validate=validate.OneOf(STATES))
    changed = fields.Integer(required=True, metadata={"description": "Records changed or deleted until now."})
    finished_at = Timestamp(required=True, allow_none=True)


def answer_purges(blueprint: Blueprint, purges: Purges) -> None:
    """Add the route `/internal/user-purges/{company_id}` of a service that holds records of users."""

    @blueprint.route("/user-purges/<id:company_id>", methods=["GET"])
    @blueprint.response(200, PurgeStateOut)
    @internal
    def show_user_purge(company_id: int) -> Response:
        """Get how far the service is with the purge that the event `event_id` began."""
        with of_company(company_id):
            return answer(orjson.dumps(purges.state(session(), _event_id())))


def company_purges() -> Blueprint:
    """The route `/internal/company-purges/{company_id}`, which every service has."""
    blueprint = Blueprint("company_purges", __name__, url_prefix="/internal", description="What identity is told.")

    @blueprint.route("/company-purges/<id:company_id>", methods=["GET"])
    @blueprint.response(200, PurgeStateOut)
    @internal
    def show_company_purge(company_id: int) -> Response:
        """Get how far the service is with the purge of a company."""
        with of_company(company_id):
            return answer(orjson.dumps(companies.state(session())))

    return blueprint


def _event_id() -> str:
    try:
        return str(UUID(request.args.get("event_id", "")))
    except ValueError:
        raise BadRequest("invalid_query", "`event_id` is the id of no event.") from None
