"""The routes that look at many books at once, or change them."""

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
from sample.commands import books as commands
from sample.commands.exports import note_export
from sample.queries.books import BOOKS, RECORDS
from sample.schemas.books import AssignmentIn, BookIn, BookPatch

COUNTED = ("status", "assigned_to")
COMMANDS = bulk.BulkCommands(
    BOOKS,
    RECORDS,
    patch=BookPatch,
    change=commands.change_book,
    new=BookIn,
    create=commands.create_book,
    archive=commands.archive_book,
)

blueprint = Blueprint("books-bulk", __name__, url_prefix="/v1/books", description="Many books at once.")


@blueprint.route("/facets", methods=["GET"])
@require("books:read")
@costly
@blueprint.response(200, bulk.facets_out(BOOKS, COUNTED))
def count_books() -> Response:
    """Count the live books by status, by who looks after them, and by tag."""
    return bulk.answer_facets(BOOKS, COUNTED)


@blueprint.route("/tags", methods=["GET"])
@require("books:read")
@costly
@blueprint.response(200, bulk.TagsOut)
def list_tags() -> Response:
    """List the tags in use, the commonest first."""
    return bulk.answer_tags(BOOKS)


@blueprint.route("/export.csv", methods=["GET"])
@require("books:export")
@blueprint.exporting(BOOKS)
def export_books_csv(query: ListQuery) -> Response:
    """Export the books that a list with these parameters has, as CSV."""
    return _export(query, CSV)


@blueprint.route("/export.jsonl", methods=["GET"])
@require("books:export")
@blueprint.exporting(BOOKS)
def export_books_json_lines(query: ListQuery) -> Response:
    """Export the books that a list with these parameters has, as JSON lines."""
    return _export(query, JSON_LINES)


def _export(query: ListQuery, form: str) -> Response:
    note_export(session(), form, request.query_string.decode("utf-8", "replace"))
    return export(session().database, BOOKS, query, form, "books")


@blueprint.route("/batch", methods=["POST"])
@require("books:write")
@blueprint.arguments(COMMANDS.batch_in)
@blueprint.response(200, BatchOut)
def change_books(data: dict[str, Any]) -> Response:
    """Create, change and archive up to 500 books; each succeeds or fails by itself."""
    return bulk.run_batch(COMMANDS, data["items"])


@blueprint.route("/bulk-update", methods=["POST"])
@require("books:write")
@blueprint.arguments(COMMANDS.update_in)
@blueprint.response(200, bulk.BulkUpdateOut)
def update_matching_books(data: dict[str, Any]) -> Response:
    """Change all books that a filter finds: first without `confirm`, to see how many that are."""
    return bulk.update_matching(COMMANDS, data)


@blueprint.route("/assign", methods=["POST"])
@require("books:write")
@blueprint.arguments(AssignmentIn)
@blueprint.response(200, BatchOut)
def assign_books(data: dict[str, Any]) -> Response:
    """Give up to 500 books to somebody; each succeeds or fails by itself."""
    return bulk.change_named(COMMANDS, data["ids"], {"assigned_to": data["assigned_to"]})
