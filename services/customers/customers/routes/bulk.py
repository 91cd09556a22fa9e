"""The routes that look at many customers at once, or change them."""

import time
from typing import Any

import orjson
from flask import Response, request

from chassis.db.listing import ListQuery
from chassis.db.records import Record
from chassis.errors import Conflict, FieldError, Invalid
from chassis.web.answers import answer
from chassis.web.auth import require
from chassis.web.batches import BatchOut, each
from chassis.web.blueprint import Blueprint
from chassis.web.exports import CSV, JSON_LINES, export
from chassis.web.listing import confirmation, confirms, parse_filter
from chassis.web.request import load, session
from customers.commands import customers as commands
from customers.commands.bulk import change_all, lock_matching, lock_named
from customers.commands.exports import note_export
from customers.queries import facets
from customers.queries.customers import CUSTOMERS
from customers.schemas.customers import (
    BatchIn,
    BulkAssignmentIn,
    BulkUpdateIn,
    BulkUpdateOut,
    CustomerIn,
    CustomerPatch,
    FacetsOut,
    TagsOut,
)

MOST_TAGS_LISTED = 1000
CONFIRMATION_SECONDS = 600
# What an item of each action has nothing to do with: whoever sends it means something else than would be done.
_NOT_FOR = {"create": ("id", "version"), "update": (), "archive": ("values",)}
_IN, _PATCH = CustomerIn(), CustomerPatch()

blueprint = Blueprint("bulk", __name__, url_prefix="/v1/customers", description="Many customers at once.")


@blueprint.route("/facets", methods=["GET"])
@require("customers:read")
@blueprint.response(200, FacetsOut)
def count_customers() -> Response:
    """Count the live customers by status, type, industry, source, priority, assignee and tag."""
    return answer(orjson.dumps(facets.count_facets(session())))


@blueprint.route("/tags", methods=["GET"])
@require("customers:read")
@blueprint.response(200, TagsOut)
def list_tags() -> Response:
    """List the tags in use, each with the number of live customers that have it."""
    return answer(orjson.dumps({"data": facets.count_tags(session(), MOST_TAGS_LISTED)}))


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

    def assign(customer_id: int) -> tuple[int, Record]:
        return 200, commands.assign_customer(session(), customer_id, None, data["assigned_to"])

    # In the order of their ids, so that two who assign the same customers do not wait for each other in a circle.
    return each(sorted(set(data["ids"])), assign)


@blueprint.route("/bulk-update", methods=["POST"])
@require("customers:write")
@blueprint.arguments(BulkUpdateIn)
@blueprint.response(200, BulkUpdateOut)
def update_matching_customers(data: dict[str, Any]) -> Response:
    """Change all customers that a filter finds: first without `confirm`, to see how many that are."""
    query = parse_filter(CUSTOMERS, data["filter"])
    change = orjson.dumps(data["changes"], option=orjson.OPT_SORT_KEYS)
    records = lock_matching(session(), query)
    if "confirm" not in data:
        token = confirmation(CUSTOMERS, query, change, records, int(time.time()) + CONFIRMATION_SECONDS)
        return answer(orjson.dumps({"count": len(records), "confirm": token, "updated": 0}))
    if not confirms(CUSTOMERS, query, change, records, data["confirm"]):
        detail = (
            f"The filter finds {len(records)} customers now, or some have changed since; ask again and confirm that."
        )
        raise Conflict("confirmation_outdated", detail)
    updated = change_all(session(), records, data["changes"])
    return answer(orjson.dumps({"count": len(records), "confirm": None, "updated": updated}))


@blueprint.route("/batch", methods=["POST"])
@require("customers:write")
@blueprint.arguments(BatchIn)
@blueprint.response(200, BatchOut)
def change_customers(data: dict[str, Any]) -> Response:
    """Create, change and archive up to 500 customers; each succeeds or fails by itself."""
    lock_named(session(), (item["id"] for item in data["items"] if "id" in item and item["action"] != "create"))
    return each(data["items"], _change)


def _change(item: dict[str, Any]) -> tuple[int, Record | None]:
    action = item["action"]
    if strange := [name for name in _NOT_FOR[action] if name in item]:
        faults = tuple(FieldError(f"/{name}", "unknown_field", f"{action} takes none.") for name in strange)
        raise Invalid("validation_failed", f"{action} takes no {' and no '.join(strange)}.", faults)
    if action == "create":
        return 201, commands.create_customer(session(), load(_IN, item.get("values"))).record
    missing = [name for name in ("id", "version") if name not in item]
    if missing:
        faults = tuple(FieldError(f"/{name}", "required", "Missing data for required field.") for name in missing)
        raise Invalid("validation_failed", f"{action} needs id and version.", faults)
    if action == "update":
        values = load(_PATCH, item.get("values"))
        return 200, commands.update_customer(session(), item["id"], item["version"], values)
    commands.archive_customer(session(), item["id"], item["version"])
    return 204, None
