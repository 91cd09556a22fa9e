"""The routes of series of recurring tasks."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, expected_version, given_version
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from tasks.commands import recurring
from tasks.commands import series as commands
from tasks.queries import series as queries
from tasks.schemas.series import SeriesPatch, TaskSeriesOut

blueprint = Blueprint("task-series", __name__, url_prefix="/v1/task-series", description="Tasks that recur.")


@blueprint.route("", methods=["GET"])
@require("tasks:read")
@blueprint.listing(queries.ALL_SERIES, TaskSeriesOut)
def list_series(query: ListQuery) -> Response:
    """List the series of recurring tasks, newest first."""
    return answer_page(queries.ALL_SERIES, query, list_page(session(), queries.ALL_SERIES, query))


@blueprint.route("/<id:series_id>", methods=["GET"])
@require("tasks:read")
@blueprint.response(200, TaskSeriesOut)
def get_series(series_id: int) -> Response:
    """Get a series."""
    series = queries.get_series(session(), series_id)
    return answer(series.json, version=series.version)


@blueprint.route("/<id:series_id>", methods=["PATCH"])
@require("tasks:write")
@versioned
@blueprint.arguments(SeriesPatch)
@blueprint.response(200, TaskSeriesOut)
def update_series(values: dict[str, Any], series_id: int) -> Response:
    """Change what holds for later tasks of a series; with `apply_to_open` for the open one as well."""
    series = recurring.update_series(session(), series_id, expected_version(), values)
    return answer(series.json, version=series.version)


@blueprint.route("/<id:series_id>/stop", methods=["POST"])
@require("tasks:write")
@heeds_version
@blueprint.response(200, TaskSeriesOut)
def stop_series(series_id: int) -> Response:
    """End a series; its open task stays."""
    series = commands.stop_series(session(), series_id, given_version())
    return answer(series.json, version=series.version)
