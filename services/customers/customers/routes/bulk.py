"""The routes that look at many customers at once, or change them."""

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
from customers.commands import customers as commands
from customers.commands.exports import note_export
from customers.queries.customers import CUSTOMERS, RECORDS
from customers.schemas.customers import BulkAssignmentIn, CustomerIn, CustomerPatch

COUNTED = ("status", "customer_type", "industry", "source", "priority", "assigned_to")
COMMANDS = bulk.BulkCommands(
    CUSTOMERS,
    RECORDS,
    patch=CustomerPatch,
    change=commands.change_customer,
    expect=commands.expect_customer,
    new=CustomerIn,
    create=lambda session, values: commands.create_customer(session, values).record,
    archive=commands.archive_customer,
)

blueprint = Blueprint("bulk", __name__, url_prefix="/v1/customers", description="Many customers at once.")


@blueprint.route("/facets", methods=["GET"])
@require("customers:read")
@costly
@blueprint.response(200, bulk.facets_out(CUSTOMERS, COUNTED))
def count_customers() -> Response:
    """Count the live customers by status, type, industry, source, priority, assignee and tag."""
    return bulk.answer_facets(CUSTOMERS, COUNTED)


@blueprint.route("/tags", methods=["GET"])
@require("customers:read")
@costly
@blueprint.response(200, bulk.TagsOut)
def list_tags() -> Response:
    """List the tags in use, each with the number of live customers that have it."""
    return bulk.answer_tags(CUSTOMERS)


@blueprint.route("/export.csv", methods=["GET"])
@require("customers:export")
@blueprint.exporting(CUSTOMERS)
def export_csv(query: ListQuery) -> Response:
    """Export the customers that a list with these parameters has, as CSV."""
    return _export(query, CSV)


@blueprint.route("/export.jsonl", methods=["GET"])
@require("customers:export")
@blueprint.exporting(CUSTOMERS)
def export_json_lines(query: ListQuery) -> Response:
    """Export the customers that a list with these parameters has, as JSON lines."""
    return _export(query, JSON_LINES)


def _export(query: ListQuery, form: str) -> Response:
    note_export(session(), form, request.query_string.decode("utf-8", "replace"))
    return export(session().database, CUSTOMERS, query, form, "customers")


@blueprint.route("/assign", methods=["POST"])
@require("customers:write")
@blueprint.arguments(BulkAssignmentIn)
@blueprint.response(200, BatchOut)
def assign_customers(data: dict[str, Any]) -> Response:
    """Give up to 500 customers to somebody; each succeeds or fails by itself."""
    return bulk.change_named(COMMANDS, data["ids"], {"assigned_to": data["assigned_to"]})


@blueprint.route("/bulk-update", methods=["POST"])
@require("customers:write")
@blueprint.arguments(COMMANDS.update_in)
@blueprint.response(200, bulk.BulkUpdateOut)
def update_matching_customers(data: dict[str, Any]) -> Response:
    """Change all customers that a filter finds: first without `confirm`, to see how many that are."""
    return bulk.update_matching(COMMANDS, data)


@blueprint.route("/batch", methods=["POST"])
@require("customers:write")
@blueprint.arguments(COMMANDS.batch_in)
@blueprint.response(200, BatchOut)
def change_customers(data: dict[str, Any]) -> Response:
    """Create, change and archive up to 500 customers; each succeeds or fails by itself."""
    return bulk.run_batch(COMMANDS, data["items"])
