"""The request at hand: its session, its body as JSON or as a form."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask import g, request
from marshmallow import Schema, ValidationError

from chassis.db.session import Session
from chassis.errors import BadRequest, FieldError, Invalid, TooLarge, UnsupportedMediaType
from chassis.web.schemas import MOST_ERRORS

_CODES = {
    "Missing data for required field.": "required",
    "Unknown field.": "unknown_field",
    "Field may not be null.": "null",
}
CONTENT = "application/octet-stream"
MOST_FIELDS = 40


def session() -> Session:
    """The request's session: one transaction, which the application commits after the view and before the answer."""
    found = g.session
    assert isinstance(found, Session)
    return found


def load_body(schema: Schema) -> dict[str, Any]:
    """The JSON body, checked by `schema`.

    Raises UnsupportedMediaType for another content type, BadRequest for what is no JSON, Invalid with a pointer for
    every fault.
    """
    if request.mimetype != "application/json":
        raise UnsupportedMediaType("not_json", "Send the body as application/json.")
    body = _body()
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadRequest("malformed_json", f"The body is not JSON: {error.msg} at character {error.pos}.") from None
    return load(schema, document)


def load_form(schema: Schema) -> dict[str, Any]:
    """The body as a form, checked by `schema`; a field without a value is as good as absent (RFC 6749, 3.2).

    Raises UnsupportedMediaType for another content type, BadRequest for what is no form or names a field twice, Invalid
    with a pointer for every fault.
    """
    if request.mimetype != "application/x-www-form-urlencoded":
        raise UnsupportedMediaType("not_a_form", "Send the body as application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(_body().decode(), max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        detail = f"The body is not UTF-8 or has over {MOST_FIELDS} fields."
        raise BadRequest("malformed_form", detail) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("repeated_field", "Each field can be given once.")
    return load(schema, fields)


def load_content() -> bytes:
    """The body as it is. Raises UnsupportedMediaType for another content type."""
    if request.mimetype != CONTENT:
        raise UnsupportedMediaType("not_binary", f"Send the body as {CONTENT}.")
    return _body()


def _body() -> bytes:
    body = request.get_data(cache=True)
    if request.content_length is None and len(body) >= (request.max_content_length or len(body) + 1):
        # A chunked body has no length to refuse beforehand; werkzeug stops reading at the limit without a word.
        raise TooLarge("body_too_large", "The body is larger than 1 MiB.")
    return body


def load_query(schema: Schema) -> dict[str, Any]:
    """The parameters of the query string, checked by `schema`. Raises BadRequest that names what is allowed."""
    if repeated := [name for name in request.args if len(request.args.getlist(name)) > 1]:
        fault = FieldError(repeated[0][:100], "repeated_parameter", "It can be given once.")
        raise BadRequest("invalid_query", f"{repeated[0][:60]!r} can be given once.", (fault,))
    try:
        loaded: dict[str, Any] = schema.load(request.args.to_dict())
    except ValidationError as error:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]  # Untyped in marshmallow.
        faults = tuple(
            FieldError(fault.pointer.removeprefix("/")[:100], fault.code, fault.detail)
            for fault in _flatten(messages, "")
        )[:MOST_ERRORS]
        detail = f"Some parameters are not as they should be; allowed: {', '.join(schema.fields)}."
        raise BadRequest("invalid_query", detail, faults) from None
    return loaded


def load(schema: Schema, document: object) -> dict[str, Any]:
    """Check a parsed document by `schema`. Raises Invalid."""
    try:
        loaded: dict[str, Any] = schema.load(document)  # type: ignore[arg-type]  # It refuses non-objects.
    except ValidationError as error:
        messages = error.normalized_messages()  # type: ignore[no-untyped-call]  # Untyped in marshmallow.
        faults = tuple(islice(_flatten(messages, ""), MOST_ERRORS))
        raise Invalid("validation_failed", "Some fields are not as they should be.", faults) from None
    return loaded


def _flatten(messages: Any, pointer: str) -> Iterator[FieldError]:
    """Marshmallow's nested messages as a flat list with JSON Pointers (RFC 6901)."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            name = str(key).replace("~", "~0").replace("/", "~1")
            yield from _flatten(inner, pointer if key == "_schema" else f"{pointer}/{name}")
    else:
        for message in messages:
            yield FieldError(pointer, _CODES.get(str(message), "invalid"), str(message))
