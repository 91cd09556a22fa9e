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
from imports.engine import commands
from imports.engine.definition import Imports
from imports.web.schemas import ImportSchemas, UploadIn

# The last column of the file of refused rows. In one that is sent again it is read by nobody, and replaced.
REASON = "import_error"


def import_blueprint(
    imports: Imports, schemas: ImportSchemas, *, name: str, prefix: str, scope: str, description: str
) -> Blueprint:
    """The routes of `imports` below `prefix`, for who has the permission `scope`."""
    blueprint = Blueprint(name, __name__, url_prefix=prefix, description=description)
    _add_uploads(blueprint, imports, schemas, scope, prefix)
    _add_steps(blueprint, imports, schemas, scope)
    _add_errors(blueprint, imports, schemas, scope)
    return blueprint


def _add_uploads(blueprint: Blueprint, imports: Imports, schemas: ImportSchemas, scope: str, prefix: str) -> None:
    @blueprint.route("", methods=["POST"])
    @require(scope)
    @blueprint.arguments(schemas.new)
    @blueprint.response(201, schemas.out)
    def create_import(values: dict[str, Any]) -> Response:
        """Begin an import; its file is sent next, in parts."""
        record = commands.create_import(imports, session(), values)
        return created(record.json, version=record.version, location=f"{prefix}/{record.id}")

    @blueprint.route("", methods=["GET"])
    @require(scope)
    @blueprint.listing(imports.listing, schemas.out)
    def list_imports(query: ListQuery) -> Response:
        """List the imports, newest first."""
        return answer_page(imports.listing, query, list_page(session(), imports.listing, query))

    @blueprint.route("/<id:import_id>", methods=["GET"])
    @require(scope)
    @blueprint.response(200, schemas.out)
    def get_import(import_id: int) -> Response:
        """Get an import, with how far it is; its counts move on without a new version."""
        record = imports.records.get(session(), import_id)
        return uncacheable(record.json, version=record.version)

    @blueprint.route("/<id:import_id>/parts/<id:number>", methods=["PUT"])
    @require(scope)
    @blueprint.content
    @blueprint.response(204)
    def put_import_part(content: bytes, import_id: int, number: int) -> Response:
        """Send a part of the file, up to 1 MiB; parts are numbered from 1 and may be cut anywhere."""
        commands.put_part(imports, session(), import_id, number, content)
        return no_content()

    @blueprint.route("/<id:import_id>/uploaded", methods=["POST"])
    @require(scope)
    @blueprint.arguments(UploadIn)
    @blueprint.response(200, schemas.out)
    def finish_import_upload(data: dict[str, Any], import_id: int) -> Response:
        """Say that all parts have come; the answer proposes what the columns mean."""
        record = commands.finish_upload(imports, session(), import_id, data["parts"])
        return answer(record.json, version=record.version)

    @blueprint.route("/<id:import_id>", methods=["PATCH"])
    @require(scope)
    @versioned
    @blueprint.arguments(schemas.patch)
    @blueprint.response(200, schemas.out)
    def update_import(values: dict[str, Any], import_id: int) -> Response:
        """Change how the file is read, what its columns mean or what is done with it; it is to be validated again."""
        record = commands.update_import(imports, session(), import_id, expected_version(), values)
        return answer(record.json, version=record.version)


def _add_steps(blueprint: Blueprint, imports: Imports, schemas: ImportSchemas, scope: str) -> None:
    @blueprint.route("/<id:import_id>/validate", methods=["POST"])
    @require(scope)
    @blueprint.response(202, schemas.out)
    def validate_import(import_id: int) -> Response:
        """Have every row checked, and counted what would become of it; no record is changed."""
        record = commands.validate_import(imports, session(), import_id)
        return answer(record.json, version=record.version, status=202)

    @blueprint.route("/<id:import_id>/start", methods=["POST"])
    @require(scope)
    @blueprint.response(202, schemas.out)
    def start_import(import_id: int) -> Response:
        """Have the rows imported, after they were validated."""
        record = commands.start_import(imports, session(), import_id)
        return answer(record.json, version=record.version, status=202)

    @blueprint.route("/<id:import_id>/cancel", methods=["POST"])
    @require(scope)
    @blueprint.response(200, schemas.out)
    def cancel_import(import_id: int) -> Response:
        """Stop an import; what it has done by now stays, and can be reverted."""
        record = commands.cancel_import(imports, session(), import_id)
        return answer(record.json, version=record.version)

    @blueprint.route("/<id:import_id>/revert", methods=["POST"])
    @require(scope)
    @blueprint.response(202, schemas.out)
    def revert_import(import_id: int) -> Response:
        """Undo an import within 30 days: purge what it created, set back what it changed, where nobody has since."""
        record = commands.revert_import(imports, session(), import_id)
        return answer(record.json, version=record.version, status=202)


def _add_errors(blueprint: Blueprint, imports: Imports, schemas: ImportSchemas, scope: str) -> None:
    @blueprint.route("/<id:import_id>/errors", methods=["GET"])
    @require(scope)
    @blueprint.listing(imports.errors, schemas.error)
    def list_import_errors(query: ListQuery, import_id: int) -> Response:
        """List what is wrong with the rows, in the order of the file."""
        imports.records.get(session(), import_id)
        of_import = query.where("import_id", import_id)
        return answer_page(imports.errors, query, list_page(session(), imports.errors, of_import))

    @blueprint.route("/<id:import_id>/errors.csv", methods=["GET"])
    @require(scope)
    @blueprint.response(200)
    def export_import_errors(import_id: int) -> Response:
        """Download the rows that were refused with the reason in a last column, to be mended and sent again."""
        names = [column["name"] for column in imports.records.get(session(), import_id).document["columns"]]
        kept = [index for index, name in enumerate(names) if name != REASON]
        header = [*(names[index] for index in kept), REASON]
        rows = (
            # A row may be shorter than the header.
            [*(cells[index] if index < len(cells) else "" for index in kept), reason]
            for cells, reason in imports.store.failed_rows(session().database, import_id)
        )
        return export_rows(header, rows, "errors")
