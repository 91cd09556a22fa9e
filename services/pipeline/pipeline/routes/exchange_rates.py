"""The routes of exchange rates."""

from typing import Any

import orjson
from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from pipeline.commands import exchange_rates as commands
from pipeline.queries.exchange_rates import EXCHANGE_RATES, RECORDS
from pipeline.schemas.exchange_rates import AppliedOut, ExchangeRateIn, ExchangeRateOut, ExchangeRatePatch

blueprint = Blueprint(
    "exchange_rates", __name__, url_prefix="/v1/exchange-rates", description="What currencies are worth, by day."
)


@blueprint.route("", methods=["GET"])
@require("deals:read")
@blueprint.listing(EXCHANGE_RATES, ExchangeRateOut)
def list_exchange_rates(query: ListQuery) -> Response:
    """List exchange rates."""
    return answer_page(EXCHANGE_RATES, query, list_page(session(), EXCHANGE_RATES, query))


@blueprint.route("", methods=["POST"])
@require("pipelines:write")
@blueprint.arguments(ExchangeRateIn)
@blueprint.response(201, ExchangeRateOut)
def create_exchange_rate(values: dict[str, Any]) -> Response:
    """Keep what a currency is worth from a day on."""
    rate = commands.create_exchange_rate(session(), values)
    return created(rate.json, version=rate.version, location=f"/v1/exchange-rates/{rate.id}")


@blueprint.route("/<id:rate_id>", methods=["GET"])
@require("deals:read")
@blueprint.response(200, ExchangeRateOut)
def get_exchange_rate(rate_id: int) -> Response:
    """Get an exchange rate."""
    rate = RECORDS.get(session(), rate_id)
    return answer(rate.json, version=rate.version)


@blueprint.route("/<id:rate_id>", methods=["PATCH"])
@require("pipelines:write")
@versioned
@blueprint.arguments(ExchangeRatePatch)
@blueprint.response(200, ExchangeRateOut)
def update_exchange_rate(values: dict[str, Any], rate_id: int) -> Response:
    """Correct an exchange rate; closed deals keep the one that they have."""
    rate = commands.update_exchange_rate(session(), rate_id, expected_version(), values)
    return answer(rate.json, version=rate.version)


@blueprint.route("/<id:rate_id>", methods=["DELETE"])
@require("pipelines:write")
@versioned
@blueprint.response(204)
def delete_exchange_rate(rate_id: int) -> Response:
    """Delete an exchange rate; closed deals keep the one that they have."""
    commands.delete_exchange_rate(session(), rate_id, expected_version())
    return no_content()


@blueprint.route("/<id:rate_id>/apply-to-closed", methods=["POST"])
@require("pipelines:write")
@heeds_version
@blueprint.response(200, AppliedOut)
def apply_exchange_rate(rate_id: int) -> Response:
    """Give the rate to the deals that closed while it held, up to 2000 at once."""
    changed, more = commands.apply_to_closed(session(), rate_id, given_version())
    return answer(orjson.dumps({"changed": changed, "more": more}))
