"""The routes of shelves."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from sample.commands import shelves as commands
from sample.queries.shelves import RECORDS, SHELVES
from sample.schemas.shelves import ShelfIn, ShelfOut, ShelfPatch

blueprint = Blueprint("shelves", __name__, url_prefix="/v1/shelves", description="Where the books are.")


@blueprint.route("", methods=["POST"])
@require("shelves:write")
@blueprint.arguments(ShelfIn)
@blueprint.response(201, ShelfOut)
def create_shelf(values: dict[str, Any]) -> Response:
    """Create a shelf."""
    shelf = commands.create_shelf(session(), values)
    return created(shelf.json, version=shelf.version, location=f"/v1/shelves/{shelf.id}")


@blueprint.route("", methods=["GET"])
@require("books:read")
@blueprint.listing(SHELVES, ShelfOut)
def list_shelves(query: ListQuery) -> Response:
    """List shelves, newest first, without the archived ones."""
    return answer_page(SHELVES, query, list_page(session(), SHELVES, query))


@blueprint.route("/<id:shelf_id>", methods=["GET"])
@require("books:read")
@blueprint.response(200, ShelfOut)
def get_shelf(shelf_id: int) -> Response:
    """Get a shelf, archived or not."""
    shelf = RECORDS.get(session(), shelf_id)
    return answer(shelf.json, version=shelf.version)


@blueprint.route("/<id:shelf_id>", methods=["PATCH"])
@require("shelves:write")
@versioned
@blueprint.arguments(ShelfPatch)
@blueprint.response(200, ShelfOut)
def update_shelf(values: dict[str, Any], shelf_id: int) -> Response:
    """Change some fields of a shelf."""
    shelf = commands.update_shelf(session(), shelf_id, expected_version(), values)
    return answer(shelf.json, version=shelf.version)


@blueprint.route("/<id:shelf_id>", methods=["DELETE"])
@require("shelves:write")
@versioned
@blueprint.response(204)
def archive_shelf(shelf_id: int) -> Response:
    """Archive a shelf and its books; they can be restored."""
    commands.archive_shelf(session(), shelf_id, expected_version())
    return no_content()


@blueprint.route("/<id:shelf_id>/restore", methods=["POST"])
@require("shelves:write")
@heeds_version
@blueprint.response(200, ShelfOut)
def restore_shelf(shelf_id: int) -> Response:
    """Restore an archived shelf, and the books that went with it."""
    shelf = commands.restore_shelf(session(), shelf_id, given_version())
    return answer(shelf.json, version=shelf.version)


@blueprint.route("/<id:shelf_id>/purge", methods=["POST"])
@require("shelves:purge")
@versioned
@blueprint.response(204)
def purge_shelf(shelf_id: int) -> Response:
    """Delete a shelf and its books for good."""
    commands.purge_shelf(session(), shelf_id, expected_version())
    return no_content()
