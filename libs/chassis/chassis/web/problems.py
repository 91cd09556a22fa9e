"""Every failure as application/problem+json (RFC 9457): expected, HTTP's own, the database's, and the unforeseen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
import psycopg
import sqlalchemy.exc
import structlog
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from chassis.context import current
from chassis.db.refusals import busy, translate
from chassis.errors import AppError

CONTENT_TYPE = "application/problem+json"
_CODES = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}

log = structlog.get_logger()


def problem(
    status: int,
    title: str,
    code: str,
    detail: str,
    errors: list[dict[str, str]] | None = None,
    *,
    members: Mapping[str, Any] = MappingProxyType({}),
) -> Response:
    """A problem document as a response; `members` are extensions of it (RFC 9457, 3.2)."""
    body = orjson.dumps(_document(status, title, code, detail, errors=errors, members=members))
    return Response(body, status, {"Cache-Control": "no-store"}, content_type=CONTENT_TYPE)


def describe(error: AppError) -> dict[str, Any]:
    """An expected failure as a problem document."""
    faults = [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in error.errors]
    return _document(error.status, error.title, error.code, error.detail, errors=faults, members=error.members)


def _document(
    status: int,
    title: str,
    code: str,
    detail: str,
    *,
    errors: list[dict[str, str]] | None,
    members: Mapping[str, Any],
) -> dict[str, Any]:
    document: dict[str, Any] = {
        **members,
        "type": f"urn:crm:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": current().request_id,
    }
    if errors:
        document["errors"] = errors
    return document


def register(app: Flask, conflicts: Mapping[str, AppError]) -> None:
    """Answer every exception of `app` with a problem; `conflicts` says what a violated constraint means."""

    def expected(error: AppError) -> Response:
        headers = {"Cache-Control": "no-store"} | error.headers
        return Response(orjson.dumps(describe(error)), error.status, headers, content_type=CONTENT_TYPE)

    def http(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status, error.name.lower().replace(" ", "_"))
        response = problem(status, error.name, code, _HTTP_DETAILS.get(status, error.name + "."))
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    def database(error: psycopg.Error) -> Response:
        return expected(translate(error, conflicts))

    def without_connection(_: sqlalchemy.exc.TimeoutError) -> Response:
        return expected(busy())

    def unforeseen(error: Exception) -> Response:
        log.error("unforeseen_failure", exc_info=error)
        detail = "Something went wrong on our side; the request id finds it in the logs."
        return problem(500, "Internal error", "internal_error", detail)

    app.register_error_handler(AppError, expected)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(psycopg.Error, database)
    app.register_error_handler(sqlalchemy.exc.TimeoutError, without_connection)
    app.register_error_handler(Exception, unforeseen)


_HTTP_DETAILS = {
    400: "The request cannot be understood.",
    404: "There is nothing here.",
    405: "This resource does not take this method.",
    413: "The body is larger than 1 MiB.",
}
