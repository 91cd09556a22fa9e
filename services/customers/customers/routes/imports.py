"""The routes of imports, in the order in which a client calls them."""

from typing import Any

from flask import Response

from chassis.db.listing import ListQuery
from chassis.db.pages import list_page
from chassis.web.answers import answer, created, expected_version, no_content, uncacheable
from chassis.web.auth import require
from chassis.web.blueprint import Blueprint, versioned
from chassis.web.exports import export_rows
from chassis.web.listing import answer_page
from chassis.web.request import session
from customers.commands import imports as commands
from customers.queries import imports as queries
from customers.schemas.imports import (
    CustomerImportErrorOut,
    CustomerImportIn,
    CustomerImportOut,
    CustomerImportPatch,
    UploadIn,
)

# The last column of the file of refused rows. In one that is sent again it is read by nobody, and replaced.
REASON = "import_error"

blueprint = Blueprint("imports", __name__, url_prefix="/v1/customers/imports", description="Customers from files.")


@blueprint.route("", methods=["POST"])
@require("customers:import")
@blueprint.arguments(CustomerImportIn)
@blueprint.response(201, CustomerImportOut)
def create_import(values: dict[str, Any]) -> Response:
    """Begin an import; its file is sent next, in parts."""
    record = commands.create_import(session(), values)
    return created(record.json, version=record.version, location=f"/v1/customers/imports/{record.id}")


@blueprint.route("", methods=["GET"])
@require("customers:import")
@blueprint.listing(queries.IMPORTS, CustomerImportOut)
def list_imports(query: ListQuery) -> Response:
    """List the imports, newest first."""
    return answer_page(queries.IMPORTS, query, list_page(session(), queries.IMPORTS, query))


@blueprint.route("/<id:import_id>", methods=["GET"])
@require("customers:import")
@blueprint.response(200, CustomerImportOut)
def get_import(import_id: int) -> Response:
    """Get an import, with how far it is; its counts move on without a new version."""
    record = queries.RECORDS.get(session(), import_id)
    return uncacheable(record.json, version=record.version)


@blueprint.route("/<id:import_id>/parts/<id:number>", methods=["PUT"])
@require("customers:import")
@blueprint.content
@blueprint.response(204)
def put_import_part(content: bytes, import_id: int, number: int) -> Response:
    """Send a part of the file, up to 1 MiB; parts are numbered from 1 and may be cut anywhere."""
    commands.put_part(session(), import_id, number, content)
    return no_content()


@blueprint.route("/<id:import_id>/uploaded", methods=["POST"])
@require("customers:import")
@blueprint.arguments(UploadIn)
@blueprint.response(200, CustomerImportOut)
def finish_import_upload(data: dict[str, Any], import_id: int) -> Response:
    """Say that all parts have come; the answer proposes what the columns mean."""
    record = commands.finish_upload(session(), import_id, data["parts"])
    return answer(record.json, version=record.version)


@blueprint.route("/<id:import_id>", methods=["PATCH"])
@require("customers:import")
@versioned
@blueprint.arguments(CustomerImportPatch)
@blueprint.response(200, CustomerImportOut)
def update_import(values: dict[str, Any], import_id: int) -> Response:
    """Change how the file is read, what its columns mean or what is done with it; then it is to be validated again."""
    record = commands.update_import(session(), import_id, expected_version(), values)
    return answer(record.json, version=record.version)


@blueprint.route("/<id:import_id>/validate", methods=["POST"])
@require("customers:import")
@blueprint.response(202, CustomerImportOut)
def validate_import(import_id: int) -> Response:
    """Have every row checked, and counted what would become of it; no customer is changed."""
    record = commands.validate_import(session(), import_id)
    return answer(record.json, version=record.version, status=202)


@blueprint.route("/<id:import_id>/start", methods=["POST"])
@require("customers:import")
@blueprint.response(202, CustomerImportOut)
def start_import(import_id: int) -> Response:
    """Have the rows imported, after they were validated."""
    record = commands.start_import(session(), import_id)
    return answer(record.json, version=record.version, status=202)


@blueprint.route("/<id:import_id>/cancel", methods=["POST"])
@require("customers:import")
@blueprint.response(200, CustomerImportOut)
def cancel_import(import_id: int) -> Response:
    """Stop an import; what it has done by now stays, and can be reverted."""
    record = commands.cancel_import(session(), import_id)
    return answer(record.json, version=record.version)


@blueprint.route("/<id:import_id>/revert", methods=["POST"])
@require("customers:import")
@blueprint.response(202, CustomerImportOut)
def revert_import(import_id: int) -> Response:
    """Undo an import within 30 days: purge what it created, set back what it changed, where nobody has since."""
    record = commands.revert_import(session(), import_id)
    return answer(record.json, version=record.version, status=202)


@blueprint.route("/<id:import_id>/errors", methods=["GET"])
@require("customers:import")
@blueprint.listing(queries.ERRORS, CustomerImportErrorOut)
def list_import_errors(query: ListQuery, import_id: int) -> Response:
    """List what is wrong with the rows, in the order of the file."""
    queries.RECORDS.get(session(), import_id)
    of_import = query.where("import_id", import_id)
    return answer_page(queries.ERRORS, query, list_page(session(), queries.ERRORS, of_import))


@blueprint.route("/<id:import_id>/errors.csv", methods=["GET"])
@require("customers:import")
@blueprint.response(200)
def export_import_errors(import_id: int) -> Response:
    """Download the rows that were refused with the reason in a last column, to be mended and sent again."""
    names = queries.get_columns(session(), import_id)
    kept = [index for index, name in enumerate(names) if name != REASON]
    header = [*(names[index] for index in kept), REASON]
    rows = (
        # A row may be shorter than the header.
        [*(cells[index] if index < len(cells) else "" for index in kept), reason]
        for cells, reason in queries.failed_rows(session().database, import_id)
    )
    return export_rows(header, rows, "errors")
