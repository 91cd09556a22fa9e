"""The HTTP routes of the customers service."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content, uncacheable
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.bulk import TagsIn
from chassis.web.listing import answer_page
from chassis.web.request import session
from customers.commands import customers as commands
from customers.commands import purges, tags
from customers.queries import customers as queries
from customers.schemas.customers import AssignmentIn, CustomerIn, CustomerOut, CustomerPatch

# RFC 8288, 2.1.2: a relation of our own. A new customer that is probably the same as another says so and exists.
DUPLICATE = "urn:crm:rel:duplicate"

blueprint = Blueprint("customers", __name__, url_prefix="/v1/customers", description="The customers of a company.")


@blueprint.route("", methods=["POST"])
@require("customers:write")
@blueprint.arguments(CustomerIn)
@blueprint.response(201, CustomerOut)
def create_customer(values: dict[str, Any]) -> Response:
    """Create a customer."""
    new = commands.create_customer(session(), values)
    customer = new.record
    response = created(customer.json, version=customer.version, location=f"/v1/customers/{customer.id}")
    for duplicate in new.duplicates:
        response.headers.add("Link", f'</v1/customers/{duplicate["customer"]["id"]}>; rel="{DUPLICATE}"')
    return response


@blueprint.route("", methods=["GET"])
@require("customers:read")
@blueprint.listing(queries.CUSTOMERS, CustomerOut)
def list_customers(query: ListQuery) -> Response:
    """List customers, newest first, without the archived ones."""
    asked = queries.of_survivors(session(), query)
    return answer_page(queries.CUSTOMERS, query, list_page(session(), queries.CUSTOMERS, asked))


@blueprint.route("/<id:customer_id>", methods=["GET"])
@require("customers:read")
@blueprint.response(200, CustomerOut)
def get_customer(customer_id: int) -> Response:
    """Get a customer, archived or not; for one that was merged, the one that it was merged into."""
    customer = queries.get_surviving(session(), customer_id)
    if customer.id == customer_id:
        return answer(customer.json, version=customer.version)
    # Never 304: who asks by the ETag of what was merged has another document of the same version.
    response = uncacheable(customer.json, version=customer.version)
    response.headers["Content-Location"] = f"/v1/customers/{customer.id}"
    return response


@blueprint.route("/<id:customer_id>", methods=["PATCH"])
@require("customers:write")
@versioned
@blueprint.arguments(CustomerPatch)
@blueprint.response(200, CustomerOut)
def update_customer(values: dict[str, Any], customer_id: int) -> Response:
    """Change some fields of a customer."""
    customer = commands.update_customer(session(), customer_id, expected_version(), values)
    return answer(customer.json, version=customer.version)


@blueprint.route("/<id:customer_id>", methods=["DELETE"])
@require("customers:write")
@versioned
@blueprint.response(204)
def archive_customer(customer_id: int) -> Response:
    """Archive a customer; it can be restored."""
    commands.archive_customer(session(), customer_id, expected_version())
    return no_content()


@blueprint.route("/<id:customer_id>/purge", methods=["POST"])
@require("customers:purge")
@versioned
@blueprint.response(204)
def purge_customer(customer_id: int) -> Response:
    """Delete a customer and its contacts for good."""
    purges.purge_customer(session(), customer_id, expected_version())
    return no_content()


@blueprint.route("/<id:customer_id>/assign", methods=["POST"])
@require("customers:write")
@heeds_version
@blueprint.arguments(AssignmentIn)
@blueprint.response(200, CustomerOut)
def assign_customer(data: dict[str, Any], customer_id: int) -> Response:
    """Give a customer to somebody, or to nobody."""
    customer = commands.assign_customer(session(), customer_id, given_version(), data["assigned_to"])
    return answer(customer.json, version=customer.version)


@blueprint.route("/<id:customer_id>/tags", methods=["POST"])
@require("customers:write")
@heeds_version
@blueprint.arguments(TagsIn)
@blueprint.response(200, CustomerOut)
def add_tags(data: dict[str, Any], customer_id: int) -> Response:
    """Add tags to a customer."""
    customer = tags.add_tags(session(), customer_id, given_version(), data["tags"])
    return answer(customer.json, version=customer.version)


@blueprint.route("/<id:customer_id>/tags/<path:tag>", methods=["DELETE"])
@require("customers:write")
@versioned
@blueprint.response(200, CustomerOut)
def remove_tag(customer_id: int, tag: str) -> Response:
    """Take a tag away from a customer."""
    customer = tags.remove_tag(session(), customer_id, expected_version(), tag)
    return answer(customer.json, version=customer.version)


@blueprint.route("/<id:customer_id>/restore", methods=["POST"])
@require("customers:write")
@heeds_version
@blueprint.response(200, CustomerOut)
def restore_customer(customer_id: int) -> Response:
    """Restore an archived customer."""
    customer = commands.restore_customer(session(), customer_id, given_version())
    return answer(customer.json, version=customer.version)
