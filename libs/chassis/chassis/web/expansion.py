"""`expand=assigned_to,created_by`: whom a record names, from what the service keeps of users."""

from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

import orjson
from flask import Response, current_app, request

from chassis.context import current
from chassis.errors import BadRequest, FieldError, Forbidden
from chassis.references import UserReference
from chassis.service import Service
from chassis.web.parameters import may_ask
from chassis.web.request import session

EXPAND = "expand"
PERMISSION = "members:read"

View = TypeVar("View", bound=Callable[..., Any])


def expanding(view: View, names: Sequence[str]) -> View:
    """Let a view of a record, or of a page of them, say whom the fields `names` name, where `expand=` asks for it.

    Costs one statement, however many records there are. What was expanded is kept by no cache: people change without
    the records that name them.
    """

    @wraps(view)
    def with_people(*arguments: Any, **path: Any) -> Response:
        if not may_ask(request.query_string, b"expand=") or EXPAND not in request.args:
            return cast("Response", view(*arguments, **path))
        asked = _asked(names)
        # Who has this version of the record does not have these names.
        request.environ.pop("HTTP_IF_NONE_MATCH", None)
        response: Response = view(*arguments, **path)
        if response.status_code == HTTPStatus.OK:
            response.set_data(_expanded(response.get_data(), asked))
            response.headers["Cache-Control"] = "no-store"
        return response

    return with_people  # type: ignore[return-value]  # The same view with more in its answer.


def parameter(names: Sequence[str]) -> dict[str, Any]:
    """The parameter for its OpenAPI description."""
    return {
        "name": EXPAND,
        "in": "query",
        "description": f"Say in `expanded` who these are, by commas; needs {PERMISSION}.",
        "schema": {
            "type": "array",
            "items": {"type": "string", "enum": list(names)},
            "minItems": 1,
            "maxItems": len(names),
        },
        "style": "form",
        "explode": False,
    }


def _asked(names: Sequence[str]) -> list[str]:
    if PERMISSION not in current().permissions:
        raise Forbidden("permission_missing", f"expand needs the permission {PERMISSION}.")
    given = request.args.getlist(EXPAND)
    asked = list(dict.fromkeys(",".join(given).split(",")))
    shown = request.args.get("fields")
    for name in asked:
        if name not in names:
            raise _refuse(f"{name[:60]!r} is none of {', '.join(names)}.")
        if shown is not None and name not in shown.split(","):
            raise _refuse(f"{name} is none of the fields that are asked for.")
    return asked


def _refuse(detail: str) -> BadRequest:
    return BadRequest("invalid_query", detail, (FieldError(EXPAND, "unknown_expand", detail),))


def _expanded(body: bytes, asked: Sequence[str]) -> bytes:
    document = orjson.loads(body)
    records: list[dict[str, Any]] = document["data"] if isinstance(document.get("data"), list) else [document]
    ids = {record[name] for record in records for name in asked if record[name] is not None}
    people = _users().describe(session(), ids)
    for record in records:
        record["expanded"] = {name: people.get(record[name]) for name in asked}
    return orjson.dumps(document)


def _users() -> UserReference:
    service: Service = current_app.service  # type: ignore[attr-defined]  # A ServiceApplication.
    return next(each for each in service.references if isinstance(each, UserReference))
