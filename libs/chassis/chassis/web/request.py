"""The request at hand: its session, its body as JSON or as a form."""

import re
from typing import Any
from urllib.parse import parse_qsl

import orjson
from flask import Request, g, request
from marshmallow import Schema, ValidationError

from chassis.db.session import Session
from chassis.errors import BadRequest, FieldError, TooLarge, UnsupportedMediaType
from chassis.web.schemas import LARGEST_RECORD, faults_of, load

CONTENT = "application/octet-stream"
MOST_FIELDS = 40
# In a JSON body: the largest batch has a hundred for each of its items.
MOST_VALUES = 50_000
# A text that does not end is one up to the end of the body, and nothing is tried twice (`*+`): otherwise a body of
# quotation marks behind backslashes would be looked through from each of them to its end.
_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def this_request() -> Request:
    """The request itself: a look through Flask's proxy takes a microsecond, and a request would need thirty of them."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  # As Flask says to.
    return found


def session() -> Session:
    """The request's session: one transaction, which the application commits after the view and before the answer."""
    found = g.session
    assert isinstance(found, Session)
    return found


def load_body(schema: Schema) -> dict[str, Any]:
    """The JSON body, checked by `schema`.

    Raises UnsupportedMediaType for another content type, TooLarge for what no such body is as large as, BadRequest for
    what is no JSON, Invalid with a pointer for every fault.
    """
    asked = this_request()
    if asked.mimetype != "application/json":
        raise UnsupportedMediaType("not_json", "Send the body as application/json.")
    body = _body(asked)
    largest = getattr(schema, "largest", LARGEST_RECORD)
    if len(body) > largest:
        raise TooLarge("body_too_large", f"The body is larger than {largest // 1024} KiB.")
    # Small values take far more memory than bytes; text that looks like them is looked at more closely.
    if body.count(b",") > MOST_VALUES and _TEXTS.sub(b"", body).count(b",") > MOST_VALUES:
        raise TooLarge("body_too_large", f"The body has more than {MOST_VALUES} values.")
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
        pairs = parse_qsl(_body(this_request()).decode(), max_num_fields=MOST_FIELDS, errors="strict")
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
    return _body(this_request())


def _body(asked: Request) -> bytes:
    body = asked.get_data(cache=True)
    if asked.content_length is None and len(body) >= (asked.max_content_length or len(body) + 1):
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
        faults = tuple(
            FieldError(fault.pointer.removeprefix("/")[:100], fault.code, fault.detail) for fault in faults_of(error)
        )
        detail = f"Some parameters are not as they should be; allowed: {', '.join(schema.fields)}."
        raise BadRequest("invalid_query", detail, faults) from None
    return loaded
