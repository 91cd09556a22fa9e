"""What other services ask for when no event has told them; no gateway leads here, and the services' key opens it."""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import wraps
from typing import Any, TypeVar

from flask import Response, current_app, request
from marshmallow import fields

from chassis.context import Context, acting_as, current
from chassis.errors import BadRequest, Unauthenticated
from chassis.references.asking import MOST_IDS
from chassis.references.owned import Owned
from chassis.web.answers import answer
from chassis.web.auth import public, shows_key
from chassis.web.blueprint import Blueprint
from chassis.web.request import session
from chassis.web.schemas import LARGEST_ID, OutSchema

MOST = 500
_NUMBER = re.compile(r"[0-9]{1,19}\Z")

View = TypeVar("View", bound=Callable[..., Any])


class ReferencesOut(OutSchema):
    """Records as their events show them in `after`."""

    data = fields.List(fields.Dict(), required=True)
    next = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "To be sent as `after` with the next question; null when there is no more."},
    )


def internal_blueprint(**owned: Owned) -> Blueprint:
    """The routes `/internal/<name>/{company_id}` of an owner, one for each kind of record by its name in the path."""
    blueprint = Blueprint("internal", __name__, url_prefix="/internal", description="What other services are told.")
    for name, records in owned.items():
        _add(blueprint, name, records)
    return blueprint


def _add(blueprint: Blueprint, name: str, records: Owned) -> None:
    def view(company_id: int) -> Response:
        with of_company(company_id):
            ids = _ids()
            if ids is not None:
                return answer(records.list_named(session(), ids))
            return answer(records.list_after(session(), after(), limit()))

    view.__name__ = f"list_{name}_of_company"
    view.__doc__ = (
        f"List the {name} of a company by id, `limit` at a time from behind `after`, or those of `ids` that it has.\n\n"
        "What it has not is left out: a 404 could also come from somewhere that knows nothing of them."
    )
    answered = blueprint.response(200, ReferencesOut)(internal(view))
    blueprint.route(f"/{name}/<id:company_id>", methods=["GET"])(answered)


def internal(view: View) -> View:
    """Declare that a route is for other services: it asks for their key, and nobody on the way keeps the answer."""

    @wraps(view)
    def guarded(*arguments: Any, **path: Any) -> Any:
        _refuse_strangers()
        response = view(*arguments, **path)
        response.headers["Cache-Control"] = "no-store"
        return response

    return public(guarded)  # type: ignore[return-value]  # The same view behind its guard.


def of_company(company_id: int) -> AbstractContextManager[Context]:
    """Answer as the company that another service asks about."""
    return acting_as(replace(current(), company_id=company_id))


def number(name: str) -> int:
    """The id that the query must name. Raises BadRequest."""
    return _checked(name, request.args.get(name, ""), 1)


def after() -> int:
    """The id that the page asked for begins behind. Raises BadRequest."""
    return _number("after", 0, 0)


def limit() -> int:
    """How many records are asked for, as far as that goes. Raises BadRequest."""
    return min(_number("limit", MOST, 1), MOST)


def _ids() -> list[int] | None:
    if "ids" not in request.args:
        return None
    given = request.args["ids"].split(",")
    if len(given) > MOST_IDS:
        raise BadRequest("invalid_query", f"`ids` takes up to {MOST_IDS} ids.")
    return [_checked("ids", number, 1) for number in given]


def _refuse_strangers() -> None:
    """Raise Unauthenticated for all who do not show the services' key, and for everybody where there is none."""
    if not shows_key(request.headers.get("Authorization"), current_app.config["SETTINGS"].service_key):
        raise Unauthenticated(
            "invalid_service_key", "This is for other services.", headers={"WWW-Authenticate": "Bearer"}
        )


def _number(name: str, default: int, least: int) -> int:
    given = request.args.get(name)
    return default if given is None else _checked(name, given, least)


def _checked(name: str, given: str, least: int) -> int:
    if not _NUMBER.match(given) or not least <= int(given) <= LARGEST_ID:
        raise BadRequest("invalid_query", f"`{name}` is no such number.")
    return int(given)
