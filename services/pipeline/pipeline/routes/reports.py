"""The routes of reports."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask import Response, request

from chassis.db.session import Session
from chassis.errors import BadRequest
from chassis.web.answers import answer
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint
from chassis.web.places import costly
from chassis.web.request import session
from pipeline.commands.setup import ensure_setup
from pipeline.queries.reports.asking import scope_of
from pipeline.queries.reports.histories import report_funnel, report_slippage, report_stage_durations
from pipeline.queries.reports.outcomes import report_cycle, report_loss_reasons, report_velocity, report_win_rate
from pipeline.queries.reports.present import report_deal_pipeline, report_forecast, report_lead_pipeline
from pipeline.queries.reports.scope import Scope
from pipeline.queries.reports.snapshots import report_snapshot
from pipeline.rules.reporting import read
from pipeline.schemas import reports as schemas

MOST_PARAMETERS = 20
FORECAST_MONTHS = 12

_ALL = ("pipeline_id", "from", "to", "assigned_to", "source", "customer_id")
_DAY = {"type": "string", "format": "date"}
_ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
_PARAMETERS: dict[str, tuple[dict[str, Any], str]] = {
    "pipeline_id": (_ID, "The pipeline; the default one unless given."),
    "from": (_DAY, "The first day, in the company's time zone; that of this month unless given."),
    "to": (_DAY, "The last day, included; five years after the first at the latest."),
    "as_of": (_DAY, "The day; today unless given."),
    "assigned_to": (_ID, "Only what is assigned to this user."),
    "source": ({"type": "string", "minLength": 1, "maxLength": 100}, "Only what came from there; of a deal, its lead."),
    "customer_id": (_ID, "Only what is of this customer."),
}

blueprint = Blueprint(
    "reports", __name__, url_prefix="/v1/reports", description="What there is in the pipeline, and what became of it."
)

View = Callable[[Scope], Response]


def _reporting(*names: str, months: int = 1) -> Callable[[View], Callable[[], Response]]:
    """Pass what is asked for as the view's argument, and document the parameters."""

    def decorate(view: View) -> Callable[[], Response]:
        @costly
        @wraps(view)
        def with_scope() -> Response:
            ensure_setup(session())
            return view(scope_of(session(), read(_pairs(), names), names, datetime.now(UTC), months=months))

        parameters = [
            {"name": name, "in": "query", "schema": schema, "description": description}
            for name, (schema, description) in _PARAMETERS.items()
            if name in names
        ]
        documented: Callable[[], Response] = blueprint.doc(parameters=parameters)(with_scope)
        return documented

    return decorate


def _pairs() -> list[tuple[str, str]]:
    try:
        return parse_qsl(
            request.query_string.decode(), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict"
        )
    except ValueError:
        detail = f"The query string is not UTF-8 or has over {MOST_PARAMETERS} parts."
        raise BadRequest("malformed_query", detail) from None


def _answer(report: Callable[[Session, Scope], dict[str, Any]], scope: Scope) -> Response:
    return answer(orjson.dumps(report(session(), scope)))


@blueprint.route("/lead-pipeline", methods=["GET"])
@require("leads:read")
@_reporting("assigned_to", "source", "customer_id")
@blueprint.response(200, schemas.LeadPipelineOut)
def get_lead_pipeline(scope: Scope) -> Response:
    """Count the live leads by stage, and add up what they are worth."""
    return _answer(report_lead_pipeline, scope)


@blueprint.route("/deal-pipeline", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.DealPipelineOut)
def get_deal_pipeline(scope: Scope) -> Response:
    """Count the open deals by stage and add up what they are worth, beside what was won and lost in the window."""
    return _answer(report_deal_pipeline, scope)


@blueprint.route("/forecast", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL, months=FORECAST_MONTHS)
@blueprint.response(200, schemas.ForecastOut)
def get_forecast(scope: Scope) -> Response:
    """Add up the open deals by the month that they are expected in, beside what was won; a year unless asked."""
    return _answer(report_forecast, scope)


@blueprint.route("/win-rate", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.WinRateOut)
def get_win_rate(scope: Scope) -> Response:
    """Say which share of the deals that closed in the window was won."""
    return _answer(report_win_rate, scope)


@blueprint.route("/cycle", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.CycleOut)
def get_cycle(scope: Scope) -> Response:
    """Say how long the deals took that were won in the window."""
    return _answer(report_cycle, scope)


@blueprint.route("/velocity", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.VelocityOut)
def get_velocity(scope: Scope) -> Response:
    """Say how much is won a day, with the four factors that it is made of."""
    return _answer(report_velocity, scope)


@blueprint.route("/funnel", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.FunnelOut)
def get_funnel(scope: Scope) -> Response:
    """Say how far the deals got that were created in the window."""
    return _answer(report_funnel, scope)


@blueprint.route("/stage-durations", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.StageDurationsOut)
def get_stage_durations(scope: Scope) -> Response:
    """Say how long deals were in the stages that they left in the window, and how long others are there by now."""
    return _answer(report_stage_durations, scope)


@blueprint.route("/slippage", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.SlippageOut)
def get_slippage(scope: Scope) -> Response:
    """Say what became of the deals that were open before the window and expected in it."""
    return _answer(report_slippage, scope)


@blueprint.route("/loss-reasons", methods=["GET"])
@require("deals:read")
@_reporting(*_ALL)
@blueprint.response(200, schemas.LossReasonsOut)
def get_loss_reasons(scope: Scope) -> Response:
    """Say why deals were lost in the window."""
    return _answer(report_loss_reasons, scope)


@blueprint.route("/snapshots", methods=["GET"])
@require("deals:read")
@_reporting("pipeline_id", "as_of", "assigned_to")
@blueprint.response(200, schemas.SnapshotOut)
def get_snapshot(scope: Scope) -> Response:
    """Show what was open on a day, as it was after midnight, with the rates of that day."""
    return _answer(report_snapshot, scope)
