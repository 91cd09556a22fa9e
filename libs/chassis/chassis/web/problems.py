"""Every failure as application/problem+json (RFC 9457): expected, HTTP's own, the database's, and the unforeseen."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import orjson
import psycopg
import sqlalchemy.exc
import structlog
from flask import Flask, Response
from psycopg import errors as pg
from werkzeug.exceptions import HTTPException

from chassis.context import current
from chassis.errors import AppError, Conflict, Invalid, Unavailable

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

    def wrapped(error: sqlalchemy.exc.SQLAlchemyError) -> Response:
        original = getattr(error, "orig", None)
        if isinstance(original, psycopg.Error):
            return database(original)
        if isinstance(error, sqlalchemy.exc.TimeoutError):
            return expected(_busy())
        return unforeseen(error)

    def unforeseen(error: Exception) -> Response:
        log.error("unforeseen_failure", exc_info=error)
        detail = "Something went wrong on our side; the request id finds it in the logs."
        return problem(500, "Internal error", "internal_error", detail)

    app.register_error_handler(AppError, expected)
    app.register_error_handler(HTTPException, http)
    app.register_error_handler(psycopg.Error, database)
    app.register_error_handler(sqlalchemy.exc.SQLAlchemyError, wrapped)
    app.register_error_handler(Exception, unforeseen)


_HTTP_DETAILS = {
    400: "The request cannot be understood.",
    404: "There is nothing here.",
    405: "This resource does not take this method.",
    413: "The body is larger than 1 MiB.",
}


def translate(error: psycopg.Error, conflicts: Mapping[str, AppError]) -> AppError:  # noqa: PLR0911  # A table.
    """What a database error means to a client; its own text never leaves the service."""
    constraint = error.diag.constraint_name or ""
    if constraint in conflicts:
        return conflicts[constraint]
    match error:
        case pg.UniqueViolation() | pg.ExclusionViolation():
            return Conflict("already_exists", "There is such a record already.")
        case pg.ForeignKeyViolation():
            return Invalid("unknown_reference", "A record that this one refers to does not exist.")
        case pg.DataError() | pg.IntegrityError():
            log.warning("input_refused_by_database", sqlstate=error.sqlstate, constraint=constraint)
            return Invalid("invalid_value", "A value is outside of what can be stored.")
        case pg.LockNotAvailable() | pg.DeadlockDetected() | pg.SerializationFailure():
            return Conflict("record_busy", "Somebody else is changing this record.", headers={"Retry-After": "1"})
        case pg.QueryCanceled():
            log.warning("deadline_exceeded", sqlstate=error.sqlstate)
            detail = "The request takes longer than it may; ask for less at a time, or again later."
            return Unavailable("deadline_exceeded", detail, headers={"Retry-After": "2"})
        case psycopg.OperationalError() | psycopg.InterfaceError():
            log.error("database_unavailable", sqlstate=error.sqlstate, error=str(error))
            return _busy()
    log.error("unforeseen_database_failure", sqlstate=error.sqlstate, exc_info=error)
    return AppError("internal_error", "Something went wrong on our side; the request id finds it in the logs.")


def _busy() -> Unavailable:
    return Unavailable("database_unavailable", "The database does not answer now.", headers={"Retry-After": "2"})
