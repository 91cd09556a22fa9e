"""`fields=id,name` on a record: only these of its fields. Lists do it in their statement (chassis/web/listing.py)."""

from collections.abc import Callable, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, TypeVar, cast

import orjson
from flask import Response, request

from chassis.errors import BadRequest, FieldError
from chassis.web.listing import read_fields
from chassis.web.parameters import may_ask
from chassis.web.records import EXPANDED

View = TypeVar("View", bound=Callable[..., Any])


def selecting(view: View, fields: Sequence[str]) -> View:
    """Let the view of a record with these fields answer with some alone, where `fields=` asks for it.

    The ETag stays the record's: it names the state that a change is meant for, however much of it was read.
    """

    @wraps(view)
    def with_fields(*arguments: Any, **path: Any) -> Response:
        if not may_ask(request.query_string, b"fields=") or not (given := request.args.getlist("fields")):
            return cast("Response", view(*arguments, **path))
        if len(given) > 1:
            detail = "fields can be given once."
            raise BadRequest("invalid_query", detail, (FieldError("fields", "repeated_parameter", detail),))
        asked = read_fields(given[0], fields)
        response: Response = view(*arguments, **path)
        if response.status_code == HTTPStatus.OK:
            record = orjson.loads(response.get_data())
            response.set_data(orjson.dumps({name: record[name] for name in (*asked, EXPANDED) if name in record}))
        return response

    return with_fields  # type: ignore[return-value]  # The same view with less in its answer.
