"""The routes that look at many leads at once, or change them."""

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
from pipeline.commands import leads as commands
from pipeline.commands.exports import note_export
from pipeline.commands.lead_moves import update_locked_lead
from pipeline.commands.many import change_all, lock_targets
from pipeline.queries.cards import LEADS as CARDS
from pipeline.queries.leads import LEADS, RECORDS
from pipeline.routes.lists import refuse_positions
from pipeline.schemas.leads import BulkAssignmentIn, LeadIn, LeadPatch

COUNTED = ("status", "stage_id", "priority", "source", "assigned_to")
COMMANDS = bulk.BulkCommands(
    LEADS,
    RECORDS,
    patch=LeadPatch,
    change=update_locked_lead,
    new=LeadIn,
    create=commands.create_lead,
    archive=commands.archive_lead,
    change_all=lambda session, records, values: change_all(session, CARDS, update_locked_lead, records, values),
)
# What became of a lead does not matter to whom it belongs.
GIVING = bulk.BulkCommands(LEADS, RECORDS, patch=LeadPatch, change=commands.give_lead)

blueprint = Blueprint("many_leads", __name__, url_prefix="/v1/leads", description="Many leads at once.")


@blueprint.route("/facets", methods=["GET"])
@require("leads:read")
@costly
@blueprint.response(200, bulk.facets_out(LEADS, COUNTED))
def count_leads() -> Response:
    """Count the live leads by status, stage, priority, source and assignee."""
    return bulk.answer_facets(LEADS, COUNTED)


@blueprint.route("/export.csv", methods=["GET"])
@require("leads:export")
@blueprint.exporting(LEADS)
def export_leads_as_csv(query: ListQuery) -> Response:
    """Export the leads that a list with these parameters has, as CSV."""
    return _export(query, CSV)


@blueprint.route("/export.jsonl", methods=["GET"])
@require("leads:export")
@blueprint.exporting(LEADS)
def export_leads_as_json_lines(query: ListQuery) -> Response:
    """Export the leads that a list with these parameters has, as JSON lines."""
    return _export(query, JSON_LINES)


def _export(query: ListQuery, form: str) -> Response:
    refuse_positions(query)
    note_export(session(), CARDS, form, request.query_string.decode("utf-8", "replace"))
    return export(session().database, LEADS, query, form, "leads")


@blueprint.route("/assign", methods=["POST"])
@require("leads:write")
@blueprint.arguments(BulkAssignmentIn)
@blueprint.response(200, BatchOut)
def assign_leads(data: dict[str, Any]) -> Response:
    """Give up to 500 leads to somebody; each succeeds or fails by itself."""
    return bulk.change_named(GIVING, data["ids"], {"assigned_to": data["assigned_to"]})


@blueprint.route("/bulk-update", methods=["POST"])
@require("leads:write")
@blueprint.arguments(COMMANDS.update_in)
@blueprint.response(200, bulk.BulkUpdateOut)
def update_matching_leads(data: dict[str, Any]) -> Response:
    """Change all leads that a filter finds: first without `confirm`, to see how many that are."""
    lock_targets(session(), CARDS, (data["changes"],))
    return bulk.update_matching(COMMANDS, data)


@blueprint.route("/batch", methods=["POST"])
@require("leads:write")
@blueprint.arguments(COMMANDS.batch_in)
@blueprint.response(200, BatchOut)
def change_leads(data: dict[str, Any]) -> Response:
    """Create, change and archive up to 500 leads; each succeeds or fails by itself."""
    lock_targets(session(), CARDS, (item.get("values", {}) for item in data["items"] if item["action"] == "update"))
    return bulk.run_batch(COMMANDS, data["items"])
