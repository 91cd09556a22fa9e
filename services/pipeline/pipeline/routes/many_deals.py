"""The routes that look at many deals at once, or change them."""

from typing import Any

from flask import Response, request

from chassis.db.listing import ListQuery
from chassis.web import bulk
from chassis.web.auth import require
from chassis.web.batches import BatchOut
from chassis.web.blueprint import Blueprint
from chassis.web.exports import CSV, JSON_LINES, export
from chassis.web.places import costly
from chassis.web.request import session
from pipeline.commands import deals as commands
from pipeline.commands.deal_moves import update_locked_deal
from pipeline.commands.exports import note_export
from pipeline.commands.many import change_all, lock_targets
from pipeline.queries.cards import DEALS as CARDS
from pipeline.queries.deals import DEALS, RECORDS
from pipeline.routes.lists import refuse_positions
from pipeline.schemas.deals import DealIn, DealPatch
from pipeline.schemas.leads import BulkAssignmentIn

COUNTED = ("status", "pipeline_id", "stage_id", "currency", "assigned_to")
COMMANDS = bulk.BulkCommands(
    DEALS,
    RECORDS,
    patch=DealPatch,
    change=update_locked_deal,
    new=DealIn,
    create=commands.create_deal,
    archive=commands.archive_deal,
    change_all=lambda session, records, values: change_all(session, CARDS, update_locked_deal, records, values),
)

blueprint = Blueprint("many_deals", __name__, url_prefix="/v1/deals", description="Many deals at once.")


@blueprint.route("/facets", methods=["GET"])
@require("deals:read")
@costly
@blueprint.response(200, bulk.facets_out(DEALS, COUNTED))
def count_deals() -> Response:
    """Count the live deals by status, pipeline, stage, currency and assignee."""
    return bulk.answer_facets(DEALS, COUNTED)


@blueprint.route("/export.csv", methods=["GET"])
@require("deals:export")
@blueprint.exporting(DEALS)
def export_deals_as_csv(query: ListQuery) -> Response:
    """Export the deals that a list with these parameters has, as CSV."""
    return _export(query, CSV)


@blueprint.route("/export.jsonl", methods=["GET"])
@require("deals:export")
@blueprint.exporting(DEALS)
def export_deals_as_json_lines(query: ListQuery) -> Response:
    """Export the deals that a list with these parameters has, as JSON lines."""
    return _export(query, JSON_LINES)


def _export(query: ListQuery, form: str) -> Response:
    refuse_positions(query)
    note_export(session(), CARDS, form, request.query_string.decode("utf-8", "replace"))
    return export(session().database, DEALS, query, form, "deals")


@blueprint.route("/assign", methods=["POST"])
@require("deals:write")
@blueprint.arguments(BulkAssignmentIn)
@blueprint.response(200, BatchOut)
def assign_deals(data: dict[str, Any]) -> Response:
    """Give up to 500 deals to somebody; each succeeds or fails by itself."""
    return bulk.change_named(COMMANDS, data["ids"], {"assigned_to": data["assigned_to"]})


@blueprint.route("/bulk-update", methods=["POST"])
@require("deals:write")
@blueprint.arguments(COMMANDS.update_in)
@blueprint.response(200, bulk.BulkUpdateOut)
def update_matching_deals(data: dict[str, Any]) -> Response:
    """Change all deals that a filter finds: first without `confirm`, to see how many that are."""
    lock_targets(session(), CARDS, (data["changes"],))
    return bulk.update_matching(COMMANDS, data)


@blueprint.route("/batch", methods=["POST"])
@require("deals:write")
@blueprint.arguments(COMMANDS.batch_in)
@blueprint.response(200, BatchOut)
def change_deals(data: dict[str, Any]) -> Response:
    """Create, change and archive up to 500 deals; each succeeds or fails by itself."""
    lock_targets(session(), CARDS, (item.get("values", {}) for item in data["items"] if item["action"] == "update"))
    return bulk.run_batch(COMMANDS, data["items"])
