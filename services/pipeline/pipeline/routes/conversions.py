"""The routes of conversions of leads."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson
from flask import Response, current_app

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.db.session import Session
from chassis.web.answers import answer, created, given_version, uncacheable
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version
from chassis.web.listing import answer_page
from chassis.web.read_through import answer_of, once
from chassis.web.request import session
from chassis.web.waiting import heeds_wait, wait_for
from pipeline.commands import conversions as commands
from pipeline.commands.conversion_plans import find_candidates, plan
from pipeline.queries.conversions import CONVERSIONS, RECORDS, is_finished
from pipeline.schemas.conversions import ConversionIn, ConversionOut, ConversionPreviewOut

blueprint = Blueprint("conversions", __name__, url_prefix="/v1", description="Leads that become customers and deals.")


@blueprint.route("/leads/<id:lead_id>/convert/preview", methods=["POST"])
@require("leads:write")
@blueprint.arguments(ConversionIn)
@blueprint.response(200, ConversionPreviewOut)
def preview_conversion(data: dict[str, Any], lead_id: int) -> Response:
    """Show what converting a lead would write, and whom the new customer is probably the same as."""
    planned = plan(session(), lead_id, data)
    found = find_candidates(planned, _ask)
    values = {name: planned.wishes[name] for name in ("customer", "contact", "deal")}
    return answer(orjson.dumps({"values": values, **found}))


@blueprint.route("/leads/<id:lead_id>/convert", methods=["POST"])
@require("leads:write")
@heeds_version
@heeds_wait
@blueprint.arguments(ConversionIn)
@blueprint.response(201, ConversionOut)
@blueprint.response(202, ConversionOut)
def convert_lead(data: dict[str, Any], lead_id: int) -> Response:
    """Convert a lead: 201 with the finished conversion, or 202 with the one that is under way."""
    planned = once("plan", lambda: plan(session(), lead_id, data))
    conversion = commands.convert(session(), planned, given_version(), _ask)
    response = created(conversion.json, version=conversion.version, location=f"/v1/conversions/{conversion.id}")
    if conversion.document["state"] == "converting":
        response.status_code = 202
        wait_for(partial(_look, conversion.id))
    return response


@blueprint.route("/conversions", methods=["GET"])
@require("leads:read")
@blueprint.listing(CONVERSIONS, ConversionOut)
def list_conversions(query: ListQuery) -> Response:
    """List conversions, newest first."""
    return answer_page(CONVERSIONS, query, list_page(session(), CONVERSIONS, query))


@blueprint.route("/conversions/<id:conversion_id>", methods=["GET"])
@require("leads:read")
@blueprint.response(200, ConversionOut)
def get_conversion(conversion_id: int) -> Response:
    """Get a conversion; its state says how far it is."""
    conversion = RECORDS.get(session(), conversion_id)
    return uncacheable(conversion.json, version=conversion.version)


@blueprint.route("/conversions/<id:conversion_id>/cancel", methods=["POST"])
@require("leads:write")
@heeds_version
@blueprint.response(200, ConversionOut)
def cancel_conversion(conversion_id: int) -> Response:
    """Give up a conversion that is under way."""
    conversion = commands.cancel(session(), conversion_id, given_version())
    return answer(conversion.json, version=conversion.version)


@blueprint.route("/conversions/<id:conversion_id>/undo", methods=["POST"])
@require("leads:write")
@heeds_version
@blueprint.response(200, ConversionOut)
def undo_conversion(conversion_id: int) -> Response:
    """Take a conversion back within 30 days, as far as nobody has worked on with what it made."""
    conversion = commands.undo(session(), conversion_id, given_version())
    return answer(conversion.json, version=conversion.version)


def _ask(path: str, query: Mapping[str, object]) -> Mapping[str, Any]:
    return answer_of("customers", path, query, ("candidates", "hidden"))


def _look(conversion_id: int) -> Response | None:
    """The answer of a conversion that is finished, seen in one round trip."""
    with current_app.database.session() as fresh:  # type: ignore[attr-defined]  # A ServiceApplication.
        assert isinstance(fresh, Session)
        if not is_finished(fresh, conversion_id):
            return None
        conversion = RECORDS.get(fresh, conversion_id)
    return created(conversion.json, version=conversion.version, location=f"/v1/conversions/{conversion.id}")
