"""The routes of contacts: of one customer, and of all."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from customers.commands import contacts as commands
from customers.queries import contacts as queries
from customers.queries.customers import get_surviving
from customers.schemas.contacts import ContactIn, ContactOut, ContactPatch

blueprint = Blueprint("contacts", __name__, url_prefix="/v1", description="The people at a customer.")


@blueprint.route("/customers/<id:customer_id>/contacts", methods=["POST"])
@require("customers:write")
@blueprint.arguments(ContactIn)
@blueprint.response(201, ContactOut)
def create_contact(values: dict[str, Any], customer_id: int) -> Response:
    """Add a contact to a customer."""
    contact = commands.create_contact(session(), customer_id, values)
    return created(contact.json, version=contact.version, location=f"/v1/contacts/{contact.id}")


@blueprint.route("/customers/<id:customer_id>/contacts", methods=["GET"])
@require("customers:read")
@blueprint.listing(queries.CONTACTS, ContactOut)
def list_contacts_of_customer(query: ListQuery, customer_id: int) -> Response:
    """List the contacts of a customer; for one that was merged, those of the one that it was merged into."""
    of_customer = query.where("customer_id", get_surviving(session(), customer_id).id)
    return answer_page(queries.CONTACTS, query, list_page(session(), queries.CONTACTS, of_customer))


@blueprint.route("/contacts", methods=["GET"])
@require("customers:read")
@blueprint.listing(queries.CONTACTS, ContactOut)
def list_contacts(query: ListQuery) -> Response:
    """List all contacts of the company, newest first, without the archived ones."""
    return answer_page(queries.CONTACTS, query, list_page(session(), queries.CONTACTS, query))


@blueprint.route("/contacts/<id:contact_id>", methods=["GET"])
@require("customers:read")
@blueprint.response(200, ContactOut)
def get_contact(contact_id: int) -> Response:
    """Get a contact, archived or not."""
    contact = queries.RECORDS.get(session(), contact_id)
    return answer(contact.json, version=contact.version)


@blueprint.route("/contacts/<id:contact_id>", methods=["PATCH"])
@require("customers:write")
@versioned
@blueprint.arguments(ContactPatch)
@blueprint.response(200, ContactOut)
def update_contact(values: dict[str, Any], contact_id: int) -> Response:
    """Change some fields of a contact."""
    contact = commands.update_contact(session(), contact_id, expected_version(), values)
    return answer(contact.json, version=contact.version)


@blueprint.route("/contacts/<id:contact_id>", methods=["DELETE"])
@require("customers:write")
@versioned
@blueprint.response(204)
def archive_contact(contact_id: int) -> Response:
    """Archive a contact."""
    commands.archive_contact(session(), contact_id, expected_version())
    return no_content()


@blueprint.route("/contacts/<id:contact_id>/restore", methods=["POST"])
@require("customers:write")
@heeds_version
@blueprint.response(200, ContactOut)
def restore_contact(contact_id: int) -> Response:
    """Restore an archived contact."""
    contact = commands.restore_contact(session(), contact_id, given_version())
    return answer(contact.json, version=contact.version)


@blueprint.route("/contacts/<id:contact_id>/purge", methods=["POST"])
@require("customers:purge")
@versioned
@blueprint.response(204)
def purge_contact(contact_id: int) -> Response:
    """Delete a contact for good."""
    commands.purge_contact(session(), contact_id, expected_version())
    return no_content()
