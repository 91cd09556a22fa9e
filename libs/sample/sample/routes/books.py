"""The routes of books."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, given_version, no_content
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, heeds_version, versioned
from chassis.web.listing import answer_page
from chassis.web.request import session
from sample.commands import books as commands
from sample.queries.books import BOOKS, RECORDS
from sample.schemas.books import BookIn, BookOut, BookPatch

blueprint = Blueprint("books", __name__, url_prefix="/v1/books", description="The books of a company.")


@blueprint.route("", methods=["POST"])
@require("books:write")
@blueprint.arguments(BookIn)
@blueprint.response(201, BookOut)
def create_book(values: dict[str, Any]) -> Response:
    """Put a book on a shelf."""
    book = commands.create_book(session(), values)
    return created(book.json, version=book.version, location=f"/v1/books/{book.id}")


@blueprint.route("", methods=["GET"])
@require("books:read")
@blueprint.listing(BOOKS, BookOut)
def list_books(query: ListQuery) -> Response:
    """List books, newest first, without the archived ones."""
    return answer_page(BOOKS, query, list_page(session(), BOOKS, query))


@blueprint.route("/<id:book_id>", methods=["GET"])
@require("books:read")
@blueprint.response(200, BookOut)
def get_book(book_id: int) -> Response:
    """Get a book, archived or not."""
    book = RECORDS.get(session(), book_id)
    return answer(book.json, version=book.version)


@blueprint.route("/<id:book_id>", methods=["PATCH"])
@require("books:write")
@versioned
@blueprint.arguments(BookPatch)
@blueprint.response(200, BookOut)
def update_book(values: dict[str, Any], book_id: int) -> Response:
    """Change some fields of a book."""
    before = RECORDS.expect(session(), book_id, expected_version())
    book = commands.change_book(session(), before, values)
    return answer(book.json, version=book.version)


@blueprint.route("/<id:book_id>", methods=["DELETE"])
@require("books:write")
@versioned
@blueprint.response(204)
def archive_book(book_id: int) -> Response:
    """Archive a book; it can be restored."""
    commands.archive_book(session(), book_id, expected_version())
    return no_content()


@blueprint.route("/<id:book_id>/restore", methods=["POST"])
@require("books:write")
@heeds_version
@blueprint.response(200, BookOut)
def restore_book(book_id: int) -> Response:
    """Restore an archived book."""
    book = commands.restore_book(session(), book_id, given_version())
    return answer(book.json, version=book.version)


@blueprint.route("/<id:book_id>/purge", methods=["POST"])
@require("books:purge")
@versioned
@blueprint.response(204)
def purge_book(book_id: int) -> Response:
    """Delete a book for good."""
    commands.purge_book(session(), book_id, expected_version())
    return no_content()
