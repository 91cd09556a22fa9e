"""The routes of duplicates and merges."""

from typing import Any

import orjson
from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, expected_version, given_version
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from customers.commands import merges as commands
from customers.commands import pairs
from customers.queries import merges as queries
from customers.queries.duplicates import find_duplicates
from customers.queries.keys import with_customer_keys
from customers.queries.pairs import PAIRS
from customers.schemas.customers import CustomerPatch
from customers.schemas.merges import (
    CustomerDuplicateOut,
    CustomerMergeIn,
    CustomerMergeOut,
    CustomerMergePreview,
    DuplicatesOut,
    MergedOut,
)

blueprint = Blueprint("merges", __name__, url_prefix="/v1/customers", description="Customers that are the same.")


@blueprint.route("/duplicates/check", methods=["POST"])
@require("customers:read")
@blueprint.arguments(CustomerPatch)
@blueprint.response(200, DuplicatesOut)
def check_duplicates(values: dict[str, Any]) -> Response:
    """Find the customers that unsaved data is probably about."""
    return answer(orjson.dumps(find_duplicates(session(), with_customer_keys(session(), values))))


@blueprint.route("/duplicates", methods=["GET"])
@require("customers:read")
@blueprint.listing(PAIRS, CustomerDuplicateOut)
def list_duplicates(query: ListQuery) -> Response:
    """List pairs of customers that are probably the same, the likeliest first, without those that were dismissed."""
    return answer_page(PAIRS, query, list_page(session(), PAIRS, query))


@blueprint.route("/duplicates/<id:duplicate_id>/dismiss", methods=["POST"])
@require("customers:write")
@blueprint.response(200, CustomerDuplicateOut)
def dismiss_duplicate(duplicate_id: int) -> Response:
    """Say that these two are not the same, for good."""
    pair = pairs.dismiss_pair(session(), duplicate_id)
    return answer(pair.json, version=pair.version)


@blueprint.route("/duplicates/<id:duplicate_id>/reopen", methods=["POST"])
@require("customers:write")
@blueprint.response(200, CustomerDuplicateOut)
def reopen_duplicate(duplicate_id: int) -> Response:
    """Take a pair that was dismissed back among the others."""
    pair = pairs.reopen_pair(session(), duplicate_id)
    return answer(pair.json, version=pair.version)


@blueprint.route("/<id:customer_id>/merge/preview", methods=["POST"])
@require("customers:write")
@versioned
@blueprint.arguments(CustomerMergeIn)
@blueprint.response(200, CustomerMergePreview)
def preview_merge(data: dict[str, Any], customer_id: int) -> Response:
    """Show what a merge would change, and the fields in which the customers differ."""
    plan = _plan(data, customer_id)
    return answer(orjson.dumps({"changes": plan.values, "differences": plan.differences}))


@blueprint.route("/<id:customer_id>/merge", methods=["POST"])
@require("customers:write")
@versioned
@blueprint.arguments(CustomerMergeIn)
@blueprint.response(200, MergedOut)
def merge_customers(data: dict[str, Any], customer_id: int) -> Response:
    """Merge customers into this one; their ids go on to resolve."""
    customer, merge = commands.merge_customers(session(), _plan(data, customer_id))
    return answer(b'{"customer":%s,"merge":%s}' % (customer.json, merge.json), version=customer.version)


@blueprint.route("/merges", methods=["GET"])
@require("customers:read")
@blueprint.listing(queries.MERGES, CustomerMergeOut)
def list_merges(query: ListQuery) -> Response:
    """List the merges that were made, newest first."""
    return answer_page(queries.MERGES, query, list_page(session(), queries.MERGES, query))


@blueprint.route("/merges/<id:merge_id>/undo", methods=["POST"])
@require("customers:write")
@heeds_version
@blueprint.response(200, CustomerMergeOut)
def undo_merge(merge_id: int) -> Response:
    """Undo a merge within 30 days."""
    merge = commands.undo_merge(session(), merge_id, given_version())
    return answer(merge.json, version=merge.version)


def _plan(data: dict[str, Any], customer_id: int) -> commands.Plan:
    sources = {source["id"]: source["version"] for source in data["sources"]}
    return commands.plan_merge(session(), customer_id, expected_version(), sources, data["choices"])
